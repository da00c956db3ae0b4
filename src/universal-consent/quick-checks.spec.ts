import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DtoPipe } from '../common/validation.pipe.js';
import { ConsentGivenQuery, RecordConsentDto } from './universal-consent.dto.js';

const pipe = new DtoPipe();
const text = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    '',
    'a\0b',
    'x'.repeat(100),
    'x'.repeat(101),
    'x'.repeat(257),
    'x'.repeat(501),
    'x'.repeat(2001),
  ),
  fc.constantFrom('AB'.repeat(32), 'ab'.repeat(32), 'AB'.repeat(32) + '\n', 'G'.repeat(64)),
  fc.constantFrom('All', 'Partial', 'None', 'all', '{}', '"😀"', '{', `"${'x'.repeat(199)}"`),
);
const value = fc.oneof(text, text, text, fc.constantFrom(null, true, 5, [], ['a'], {}, undefined));

/** Whether the rules on the class's properties hold, without any short cut. */
async function keepsRules(
  type: typeof ConsentGivenQuery | typeof RecordConsentDto,
  input: object,
): Promise<boolean> {
  const Copy = class extends (type as new () => object) {};
  try {
    await pipe.transform(input, { type: 'query', metatype: Copy });
    return true;
  } catch {
    return false;
  }
}

async function isTaken(type: unknown, input: object): Promise<boolean> {
  try {
    await pipe.transform(input, { type: 'query', metatype: type as never });
    return true;
  } catch {
    return false;
  }
}

describe('a quick check says yes to nothing that the rules refuse, and the two agree', () => {
  it.each([
    ['ConsentGivenQuery', ConsentGivenQuery, ['ClientId', 'Reference', 'other']],
    [
      'RecordConsentDto',
      RecordConsentDto,
      ['ConsentGiven', 'Reference', 'ConsentType', 'CustomUserId', 'URI', 'Metadata', 'other'],
    ],
  ] as const)('%s', async (_name, type, keys) => {
    const good = { ClientId: 'AB'.repeat(32), ConsentGiven: 'All', Reference: 'r', ConsentType: 't' };
    const own = Object.fromEntries(
      keys.flatMap((key) => (key in good ? [[key, good[key as keyof typeof good]]] : [])),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] }),
        async (change) => {
          const input = { ...own, ...change };
          expect(await isTaken(type, input)).toBe(await keepsRules(type, input));
        },
      ),
      { numRuns: 500 },
    );
  });
});

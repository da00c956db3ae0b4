import { expect } from '@jest/globals';
import fc from 'fast-check';
import { DtoPipe } from '../../src/common/validation.pipe.js';

type Dto = new () => object;

const pipe = new DtoPipe();
const text = fc.oneof(
  fc.string({ maxLength: 4 }),
  fc.constantFrom(
    '',
    'a\0b',
    ...[50, 51, 100, 101, 257, 501, 2001].map((length) => 'x'.repeat(length)),
    ...['AB'.repeat(32), 'ab'.repeat(32), `${'AB'.repeat(32)}\n`, 'G'.repeat(64)],
  ),
  fc.constantFrom('All', 'Partial', 'None', 'all', '{}', '"😀"', '{', `"${'x'.repeat(199)}"`),
);
const value = fc.oneof(text, text, text, fc.constantFrom(null, true, 5, [], ['a'], {}, undefined));

async function isTaken(metatype: Dto, input: object): Promise<boolean> {
  try {
    await pipe.transform(input, { type: 'query', metatype });
    return true;
  } catch {
    return false;
  }
}

/** Expects the quick check of a DTO to say yes to whatever its rules let through, and to nothing else. */
export async function expectAgreement(
  type: Dto,
  good: Record<string, unknown>,
  keys: string[],
): Promise<void> {
  // The rules come with it, the short cut does not.
  const Copy = class extends type {};
  const changes = fc.record(Object.fromEntries([...keys, 'other'].map((key) => [key, value])), {
    requiredKeys: [],
  });
  await fc.assert(
    fc.asyncProperty(changes, async (change) => {
      const input = { ...good, ...change };
      expect(await isTaken(type, input)).toBe(await isTaken(Copy, input));
    }),
    { numRuns: 500 },
  );
}

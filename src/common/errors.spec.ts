import { describe, expect, it } from '@jest/globals';
import { AppError, errorTable, invalidField, isDatabaseAway } from './errors.js';

const withCode = (code: string) => Object.assign(new Error('driver'), { code });

describe('isDatabaseAway', () => {
  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOENT',
    'EPIPE',
    'ETIMEDOUT',
    '08006',
    '53300',
    '57P01',
    '57P03',
    '25006',
  ])('holds for %s', (code) => expect(isDatabaseAway(withCode(code))).toBe(true));

  it.each(['23505', '42P01', '22021', '40001', 'PC001', 'EACCES'])('does not hold for %s', (code) =>
    expect(isDatabaseAway(withCode(code))).toBe(false),
  );

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
  ])('holds for the driver’s “%s”', (message) => expect(isDatabaseAway(new Error(message))).toBe(true));

  it('does not hold for anything else', () => {
    for (const thrown of [new Error('x'), 'Connection terminated', null]) {
      expect(isDatabaseAway(thrown)).toBe(false);
    }
  });
});

describe('AppError', () => {
  it('takes its text from the table, from its field, or as given', () => {
    expect(new AppError('forbidden').message).toBe(errorTable.forbidden.text);
    expect(new AppError('forbidden', 'because').message).toBe('because');
    expect(invalidField('at', 'at is wrong')).toMatchObject({
      message: 'at is wrong',
      status: 400,
      fields: [{ field: 'at', message: 'at is wrong' }],
    });
  });
});

import { describe, expect, it } from '@jest/globals';
import { codeOf, DeliveryFailure, failureOf } from './delivery-failure.js';

const failing = (code: string | undefined, message = 'connect 10.0.0.1:80', name = 'Error') =>
  Object.assign(new Error(message), { code, name });

describe('failureOf', () => {
  it.each([
    ['ETIMEDOUT', 'timeout'],
    ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
    ['ECONNREFUSED', 'connection_refused'],
    ['ECONNRESET', 'connection_reset'],
    ['EPIPE', 'connection_reset'],
    ['UND_ERR_SOCKET', 'connection_reset'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EPROTO', 'tls'],
    ['CERT_HAS_EXPIRED', 'tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
    ['INVALID_CA', 'tls'],
    ['HPE_INVALID_CONSTANT', 'protocol'],
    ['UND_ERR_HEADERS_OVERFLOW', 'protocol'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'protocol'],
    ['EMFILE', 'unknown'],
    ['XCERT_', 'unknown'],
  ])('takes %s for %s', (code, reason) => {
    const failure = failureOf(failing(code));
    expect([failure.reason, failure.code, failure.message]).toEqual([reason, code, reason]);
  });

  it('tells an answer that was not asked for from a connection that went away', () => {
    expect(failureOf(failing('UND_ERR_SOCKET', 'bad upgrade')).reason).toBe('protocol');
    expect(failureOf(failing('UND_ERR_SOCKET', 'other side closed')).reason).toBe('connection_reset');
    expect(failureOf(failing(undefined, 'what?', 'HTTPParserError')).reason).toBe('protocol');
  });

  it('keeps a failure as it is, and nothing of another error but its code', () => {
    const failure = new DeliveryFailure('address_refused', 'X', 5);
    expect(failureOf(failure)).toBe(failure);
    const of = failureOf(failing(undefined));
    expect([of.reason, of.code, of.durationMs]).toEqual(['unknown', undefined, 0]);
    expect(`${JSON.stringify(of)}${of.message}${of.stack}${String(of.cause)}`).not.toContain('10.0.0.1');
  });
});

describe('codeOf', () => {
  it.each([undefined, null, 'text', 7, {}, { code: 7 }])('finds none in %j', (thrown) =>
    expect(codeOf(thrown)).toBeUndefined(),
  );
  it('finds the code', () => expect(codeOf({ code: 'ENOTFOUND' })).toBe('ENOTFOUND'));
});

import type { FastifyInstance } from 'fastify';

/** The answers are data for programs: a browser shall neither run, frame, guess nor pass on anything of them. */
const securityHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
};
const twoYears = 'max-age=63072000; includeSubDomains';

/** Sets them on every answer; pages of their own (the reference page) replace the policy by theirs. */
export function setSecurityHeaders(fastify: FastifyInstance, isProduction: boolean): void {
  const headers = isProduction
    ? { ...securityHeaders, 'strict-transport-security': twoYears }
    : securityHeaders;
  fastify.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers);
    done();
  });
}

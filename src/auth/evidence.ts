import type { FastifyRequest } from 'fastify';
import { storedAddress } from '../common/ip-address.js';

const maxTextLength = 500;

/** What came with a request and helps to prove it: address (whole, or its network), user agent, origin. */
export function requestFacts(request: FastifyRequest, storeFullIp: boolean): Record<string, unknown> {
  return {
    ip: storedAddress(request.ip, storeFullIp),
    user_agent: cut(request.headers['user-agent']),
    origin: cut(request.headers.origin),
  };
}

/** The same as JSON text. */
export function requestEvidence(request: FastifyRequest, storeFullIp: boolean): string {
  return JSON.stringify(requestFacts(request, storeFullIp));
}

function cut(text: string | undefined): string | undefined {
  return text?.slice(0, maxTextLength);
}

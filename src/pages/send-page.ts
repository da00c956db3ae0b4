import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Page } from './page-templates.js';

/**
 * Sends a page whose language depends on the reader's. What is there has an ETag, and is 304 to who has it already; what is
 * not is kept by nobody.
 */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, headers, html }: Page,
): void {
  const etag = `"${hash('sha256', html, 'base64url')}"`;
  const isThere = status === 200;
  void reply
    .status(status)
    .headers({ ...headers, vary: 'Accept-Language', 'cache-control': isThere ? 'no-cache' : 'no-store' });
  if (isThere) void reply.header('etag', etag);
  if (isThere && isAmong(request.headers['if-none-match'], etag)) void reply.status(304).send();
  else void reply.send(html);
}

/** Sends a page that is one person's: nobody keeps it, and no search engine lists it. */
export function sendPrivatePage(reply: FastifyReply, { status, headers, html }: Page): void {
  void reply
    .status(status)
    .headers({ ...headers, 'cache-control': 'no-store', 'x-robots-tag': 'noindex, nofollow' })
    .send(html);
}

/** Whether If-None-Match names the tag, compared weakly as RFC 9110 has it for that. */
function isAmong(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags?.some((tag) => tag === etag || tag === '*') ?? false;
}

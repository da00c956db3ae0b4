import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Socket } from 'node:net';
import { dialectOf, withoutPrefix } from './dialects.js';
import { AppError } from './errors.js';

/** Answers a request whose path cannot be routed at all, in its family's dialect. */
export function answerUnrouted(url: string, prefix: string, reply: FastifyReply): void {
  const path = withoutPrefix(url.split('?', 1)[0] ?? '/', prefix);
  const dialect = dialectOf(path);
  const error = new AppError('invalid_input', 'the path cannot be read');
  void reply
    .status(error.status)
    .headers({
      'content-type': dialect.contentType,
      'cache-control': 'no-store',
      'x-request-id': reply.request.id,
    })
    .send(JSON.stringify(dialect.body(error, '/')));
}

/** Answers what is no HTTP, and hangs up. */
export function answerUnreadable(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const dialect = dialectOf('/');
  const text = JSON.stringify(
    dialect.body(new AppError('invalid_input', 'this is not a request that can be read'), '/'),
  );
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: ${dialect.contentType}\r\nx-request-id: ${randomUUID()}\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

import { type ArgumentsHost, Catch } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ErrorFilter } from '../common/error.filter.js';
import { AppError } from '../common/errors.js';
import { prefersJson } from '../common/prefers-json.js';
import { Config } from '../config/config.js';
import { sendPrivatePage } from '../pages/send-page.js';
import type { GatewayRequest } from './gateway.guard.js';
import { LinkPages, toReader } from './link-pages.js';

/** Whether people are to read the answer, rather than programs, which ask for JSON or send it. */
export function wantsPage({ headers }: FastifyRequest): boolean {
  return !prefersJson(headers.accept) && !/^application\/json\b/i.test(headers['content-type'] ?? '');
}

/** Shows people one and the same page for every link that does nothing; whatever else is wrong is answered as everywhere. */
@Catch()
export class LinkPageFilter extends ErrorFilter {
  constructor(
    config: Config,
    private readonly pages: LinkPages,
  ) {
    super(config);
  }

  override catch(thrown: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<GatewayRequest>();
    const isBadLink = thrown instanceof AppError && thrown.status === 400;
    if (!isBadLink || !wantsPage(request)) {
      super.catch(thrown, host);
      return;
    }
    const reader = toReader(request.gateway?.brand ?? null, null, request.headers['accept-language']);
    sendPrivatePage(host.switchToHttp().getResponse<FastifyReply>(), this.pages.renderBadLink(reader));
  }
}

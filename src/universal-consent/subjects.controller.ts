import { Controller, Get, Header, Param, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { nextLink } from '../common/next-link.js';
import { parseClientId } from '../consents/subjects.service.js';
import { TimelineService } from '../consents/timeline.service.js';
import { TimelineEventDto, TimelineQuery, toTimelineEventDto } from './subjects.dto.js';

const defaultLimit = 100;

/** Whoever is behind a ClientId. */
@ApiTags('Universal consent')
@ApiKeyAuth()
@Controller('api/subjects')
export class SubjectsController {
  constructor(private readonly timeline: TimelineService) {}

  /** List everything that happened to a subject's consents, through whichever door, newest first. */
  @Get(':clientId/timeline')
  @RequireScope('universal:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, TimelineEventDto, { isArray: true })
  @Problems(400, 404)
  async listTimeline(
    @Client() { brandId }: ClientPrincipal,
    @Param('clientId') text: string,
    @Query() query: TimelineQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TimelineEventDto[]> {
    const clientId = parseClientId(text);
    if (!clientId) throw new AppError('not_found', 'there is no such subject');
    const { limit = defaultLimit, cursor } = query;
    const { events, next } = await this.timeline.list(brandId, clientId, limit, cursor);
    if (next !== null) void reply.header('link', nextLink(request.url.split('?', 1)[0] ?? '', query, next));
    return events.map(toTimelineEventDto);
  }
}

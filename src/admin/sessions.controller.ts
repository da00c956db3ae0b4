import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { SessionsService } from '../auth/sessions.service.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { UuidPipe } from '../common/id-pipes.js';
import {
  LiveSessionsDto,
  LiveSessionsQuery,
  NewSessionDto,
  SessionDto,
  toLiveSessionsDto,
} from './sessions.dto.js';

/** Players' sessions, for operators whose own log-in issues them. */
@ApiTags('Internal')
@ApiKeyAuth()
@Controller('internal/sessions')
export class SessionsController {
  constructor(private readonly sessions: SessionsService) {}

  /** Open a session for a player. 409: the player is blocked. */
  @Post()
  @RequireScope('sessions:manage')
  @ApiAnswers(201, SessionDto)
  @Problems(400, 404, 409, 413)
  async openSession(
    @Client() { brandId }: ClientPrincipal,
    @Body() body: NewSessionDto,
  ): Promise<SessionDto> {
    const { id, token, expiresAt } = await this.sessions.open(brandId, body.player_id, body.ttl);
    return { id, auth_token: token, expires_at: expiresAt.toISOString() };
  }

  /** A player's live sessions. */
  @Get()
  @RequireScope('sessions:manage')
  @ApiAnswers(200, LiveSessionsDto)
  @Problems(400)
  async listSessions(
    @Client() { brandId }: ClientPrincipal,
    @Query() { player_id: playerId }: LiveSessionsQuery,
  ): Promise<LiveSessionsDto> {
    return toLiveSessionsDto(await this.sessions.list(brandId, playerId));
  }

  /** End a session, by its id and never by its token. */
  @Delete(':id')
  @RequireScope('sessions:manage')
  @HttpCode(204)
  @ApiAnswers(204)
  @Problems(404)
  endSession(@Client() { brandId }: ClientPrincipal, @Param('id', UuidPipe) id: string): Promise<void> {
    return this.sessions.end(brandId, id);
  }
}

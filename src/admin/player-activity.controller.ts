import { Body, Controller, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import { requestEvidence } from '../auth/evidence.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { PlayerIdPipe } from '../common/player-id.js';
import { AddRouteConfig } from '../common/route-config.js';
import { PlayerActivityService } from '../players/player-activity.service.js';
import { PlayerEventsService } from '../players/player-events.service.js';
import { ActivityDto, toActivityChange } from './player-activity.dto.js';
import { PlayerEventsDto, RecordedEventsDto } from './player-events.dto.js';

const maxBodyBytes = 5_000_000;

/** What players do, as the operator's platform tells. */
@ApiTags('Internal')
@ApiKeyAuth()
@Controller('internal/players/:id')
export class PlayerActivityController {
  constructor(
    private readonly activity: PlayerActivityService,
    private readonly events: PlayerEventsService,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Say how a player's figures stand, or some of them: all that is sent, or nothing. */
  @Put('activity')
  @RequireScope('players:manage')
  @HttpCode(204)
  @ApiAnswers(204)
  @Problems(400, 404, 413)
  async putActivity(
    @Client() { brandId, clientId }: ClientPrincipal,
    @Param('id', PlayerIdPipe) id: string,
    @Body() activity: ActivityDto,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const { storeFullIp } = await this.catalogue.get(brandId);
    const evidence = requestEvidence(request, storeFullIp);
    await this.activity.put(brandId, id, toActivityChange(activity, `client:${clientId}`, evidence));
  }

  /** Tell what a player did: a batch of events, of which each counts once, however often its id comes. All of them, or none. */
  @Post('events')
  @RequireScope('players:manage')
  @HttpCode(200)
  @AddRouteConfig({ maxBodyBytes })
  @ApiAnswers(200, RecordedEventsDto)
  @Problems(400, 404, 413)
  async recordEvents(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', PlayerIdPipe) id: string,
    @Body() { events }: PlayerEventsDto,
  ): Promise<RecordedEventsDto> {
    const { applied, repeated } = await this.events.record(brandId, id, events);
    return { applied, repeated };
  }
}

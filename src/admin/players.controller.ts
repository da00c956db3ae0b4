import { Body, Controller, Param, Put, Req } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import { requestEvidence } from '../auth/evidence.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { invalidField } from '../common/errors.js';
import { parseInstantText } from '../common/instant.js';
import { PlayerIdPipe } from '../common/player-id.js';
import { PlayerBlocksService } from '../consents/player-blocks.service.js';
import { PlayersService } from '../players/players.service.js';
import {
  BlocksChangeDto,
  type ExclusionChangeDto,
  PlayerBlocksDto,
  toPlayerBlocksDto,
} from './player-blocks.dto.js';
import { PlayerChangesDto, PlayerDto, toPlayerAct, toPlayerDto } from './players.dto.js';

/** Players, as the operator's platform tells of them. */
@ApiTags('Internal')
@ApiKeyAuth()
@Controller('internal/players')
export class PlayersController {
  constructor(
    private readonly players: PlayersService,
    private readonly blocks: PlayerBlocksService,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Create a player, or change some of what is known of one: all that is sent, or nothing. 409: another player has the name. */
  @Put(':id')
  @RequireScope('players:manage')
  @ApiAnswers(200, PlayerDto)
  @Problems(400, 409, 413)
  async putPlayer(
    @Client() { brandId, clientId }: ClientPrincipal,
    @Param('id', PlayerIdPipe) id: string,
    @Body() changes: PlayerChangesDto,
    @Req() request: FastifyRequest,
  ): Promise<PlayerDto> {
    const { storeFullIp } = await this.catalogue.get(brandId);
    const evidence = requestEvidence(request, storeFullIp);
    const act = toPlayerAct(changes, `client:${clientId}`, evidence);
    return toPlayerDto(await this.players.put(brandId, id, act));
  }

  /**
   * Set or lift a player's self-exclusion and block. Either silences every channel at once and reaches the CRM. The end of
   * a block brings earlier consents back; the end of a self-exclusion does not.
   */
  @Put(':id/blocks')
  @RequireScope('players:manage')
  @ApiAnswers(200, PlayerBlocksDto)
  @Problems(400, 413)
  async putBlocks(
    @Client() { brandId, clientId }: ClientPrincipal,
    @Param('id', PlayerIdPipe) id: string,
    @Body() { excluded, blocked }: BlocksChangeDto,
    @Req() request: FastifyRequest,
  ): Promise<PlayerBlocksDto> {
    const { storeFullIp } = await this.catalogue.get(brandId);
    const change = {
      ...(excluded && {
        excluded: { active: excluded.active, note: excluded.note ?? '', ...endOf(excluded) },
      }),
      ...(blocked && { blocked: { active: blocked.active, note: blocked.note ?? '' } }),
    };
    const by = {
      actor: `client:${clientId}`,
      source: 'internal',
      evidence: requestEvidence(request, storeFullIp),
    };
    return toPlayerBlocksDto(await this.blocks.record(brandId, id, change, by));
  }
}

function endOf({ active, until }: ExclusionChangeDto): { until?: Date } {
  if (!until) return {};
  if (!active) throw invalidField('excluded.until', 'excluded.until goes with active: true');
  const end = parseInstantText(until);
  if (!end)
    throw invalidField(
      'excluded.until',
      'excluded.until must be an RFC 3339 instant, such as 2027-05-01T00:00:00Z',
    );
  if (end.getTime() <= Date.now())
    throw invalidField('excluded.until', 'excluded.until must lie in the future');
  return { until: end };
}

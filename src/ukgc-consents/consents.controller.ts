import { Body, Controller, Get, Header, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, CrmErrors } from '../common/api-answers.dto.js';
import { PlayerIdPipe } from '../common/player-id.js';
import { ConsentHistoryService } from '../consents/consent-history.service.js';
import { PlayerBlocksService } from '../consents/player-blocks.service.js';
import {
  BlocksDto,
  ChangeConsentsDto,
  ConsentsDto,
  DecisionDto,
  DecisionQuery,
  HistoryDto,
  HistoryQuery,
  ReadConsentsQuery,
  toBlocksDto,
  toHistoryDto,
} from './consents.dto.js';
import { ConsentsService } from './consents.service.js';

/** Product × channel consents, as the CRM reads and changes them. The brand is the client's. */
@ApiTags('UKGC consents')
@ApiKeyAuth()
@Controller()
export class ConsentsController {
  constructor(
    private readonly consents: ConsentsService,
    private readonly history: ConsentHistoryService,
    private readonly blocks: PlayerBlocksService,
  ) {}

  /** Read a player's consents. With `at`, what was in force then. */
  @Get('userconsents/:userid')
  @RequireScope('consents:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, ConsentsDto)
  @CrmErrors(400, 404)
  readConsents(
    @Client() client: ClientPrincipal,
    @Param('userid', PlayerIdPipe) userId: string,
    @Query() query: ReadConsentsQuery,
  ): Promise<ConsentsDto> {
    return this.consents.read(client, userId, query.at);
  }

  /** Change a player's consents. All changes happen, or none; an unknown player is created; the answer is what GET would say. */
  @Post('userconsents/:userid')
  @RequireScope('consents:write')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @ApiHeader({ name: 'Idempotency-Key', required: false, schema: { type: 'string', maxLength: 255 } })
  @ApiAnswers(200, ConsentsDto)
  @CrmErrors(400, 409, 413, 422)
  async changeConsents(
    @Client() client: ClientPrincipal,
    @Param('userid', PlayerIdPipe) userId: string,
    @Body() body: ChangeConsentsDto,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConsentsDto> {
    const { answer, replayed } = await this.consents.change(client, userId, body, request);
    if (replayed) void reply.header('idempotency-replayed', 'true');
    return answer;
  }

  /** List a player's changes, newest first, with who asked, through which door, and the evidence. */
  @Get('userconsents/:userid/history')
  @RequireScope('consents:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, HistoryDto)
  @CrmErrors(400, 404)
  async listHistory(
    @Client() client: ClientPrincipal,
    @Param('userid', PlayerIdPipe) userId: string,
    @Query() { limit, cursor }: HistoryQuery,
  ): Promise<HistoryDto> {
    return toHistoryDto(await this.history.list(client.brandId, userId, limit, cursor));
  }

  /** May the player be contacted on a channel about a product? Answers why, naming the record it rests on. */
  @Get('userconsents/:userid/decision')
  @RequireScope('consents:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, DecisionDto)
  @CrmErrors(400, 404)
  decide(
    @Client() client: ClientPrincipal,
    @Param('userid', PlayerIdPipe) userId: string,
    @Query() query: DecisionQuery,
  ): Promise<DecisionDto> {
    return this.consents.decide(client, userId, query);
  }

  /** Read a player's self-exclusion and block. */
  @Get('userblocks/:userid')
  @RequireScope('consents:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, BlocksDto)
  @CrmErrors(400, 404)
  async readBlocks(
    @Client() client: ClientPrincipal,
    @Param('userid', PlayerIdPipe) userId: string,
  ): Promise<BlocksDto> {
    return toBlocksDto(await this.blocks.get(client.brandId, userId));
  }
}

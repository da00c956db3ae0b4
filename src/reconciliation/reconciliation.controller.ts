import { createGzip, constants as zlib } from 'node:zlib';
import { pipeline, type Readable } from 'node:stream';
import { Body, Controller, Get, Header, HttpCode, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, ApiStreams, CrmErrors } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { contentTypeOf } from '../common/request-bodies.js';
import { ComparisonService } from './comparison.service.js';
import { getField, getProductsField, getStandardField } from './fields.js';
import {
  ComparisonDto,
  ComparisonQuery,
  FailedRunDto,
  ProductsReconciliationDto,
  ReconciliationDto,
  RunsDto,
  RunsQuery,
  toRunDto,
  UserProductsDto,
  UsersDto,
} from './reconciliation.dto.js';
import { ReconciliationService } from './reconciliation.service.js';
import { RunsService } from './runs.service.js';
import { readTheirUsers, type UsersFormat } from './their-users.js';

const defaultLimit = 100;
const formats: Partial<Record<string, UsersFormat>> = {
  'application/json': 'json',
  'application/x-ndjson': 'ndjson',
};

/** Every opted-in player at once, for a CRM that wants to know whether it has missed something. The brand is the client's. */
@ApiTags('Reconciliation')
@ApiKeyAuth()
@Controller('reconciliation')
export class ReconciliationController {
  constructor(
    private readonly reconciliation: ReconciliationService,
    private readonly comparison: ComparisonService,
    private readonly runs: RunsService,
  ) {}

  /**
   * List all players who are opted in to a channel, or excluded, or blocked. The answer is streamed, one snapshot, of any length.
   * If it breaks, `error` stands at its end and players are missing.
   */
  @Post()
  @RequireScope('reconciliation:read')
  @HttpCode(200)
  @ApiStreams(UsersDto, FailedRunDto)
  @CrmErrors(400, 413, 429, 501)
  async listUsers(
    @Client() client: ClientPrincipal,
    @Body() { field }: ReconciliationDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const own = getStandardField(field);
    send(request, reply, await this.reconciliation.stream(client, own, goneFrom(reply)));
  }

  /**
   * List all players who are opted in to a channel for products, with these. The answer is streamed, one snapshot, of any length.
   * If it breaks, `error` stands at its end and players are missing.
   */
  @Post('products')
  @RequireScope('reconciliation:read')
  @HttpCode(200)
  @ApiStreams(UserProductsDto, FailedRunDto)
  @CrmErrors(400, 413, 429, 501)
  async listProducts(
    @Client() client: ClientPrincipal,
    @Body() { field }: ProductsReconciliationDto,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const own = getProductsField(field);
    send(request, reply, await this.reconciliation.stream(client, own, goneFrom(reply)));
  }

  /**
   * Compare the caller's own list with the truth. The body is what the other two routes answer, for the same field, or NDJSON:
   * an id a line, or `{"id":"1001","products":["casino"]}`. It is streamed and may be of any length. With `repair=true` (scope
   * `consents:write` as well) the CRM event of every player who differs is queued.
   */
  @Post('compare')
  @RequireScope('reconciliation:read')
  @HttpCode(200)
  @ApiConsumes('application/json', 'application/x-ndjson')
  @ApiBody({ schema: { type: 'object', example: { users: ['1001'] } } })
  @ApiStreams(ComparisonDto, FailedRunDto)
  @CrmErrors(400, 409, 415, 429, 501)
  async compare(
    @Client() client: ClientPrincipal,
    @Query() { field: name, repair = false }: ComparisonQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (repair && !client.scopes.has('consents:write'))
      throw new AppError('forbidden', 'repair needs the scope consents:write');
    const field = getField(name);
    const format = formats[contentTypeOf(request)];
    if (!format)
      throw new AppError('unsupported_body', 'send the body as application/json or application/x-ndjson');
    const users = readTheirUsers(request.body as Readable, format, field.hasProducts);
    const asked = { field, repair, users, gone: goneFrom(reply) };
    send(request, reply, await this.comparison.stream(client, asked));
  }

  /** List the runs, newest first: who asked for what, when, and what came of it. */
  @Get('runs')
  @RequireScope('reconciliation:read')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, RunsDto)
  @CrmErrors(400)
  async listRuns(
    @Client() { brandId }: ClientPrincipal,
    @Query() { limit = defaultLimit, cursor }: RunsQuery,
  ): Promise<RunsDto> {
    const { runs, next } = await this.runs.list(brandId, limit, cursor);
    return { runs: runs.map(toRunDto), next };
  }
}

/** Aborted when the caller's connection is closed. */
function goneFrom(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

/** Sends a document as it comes, compressed where the caller takes that. */
function send(request: FastifyRequest, reply: FastifyReply, body: Readable): void {
  void reply
    .header('content-type', 'application/json; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('vary', 'accept-encoding');
  if (!takesGzip(request.headers['accept-encoding'])) {
    void reply.send(body);
    return;
  }
  // Each piece leaves as soon as it is there; a stronger compression would slow everything else down.
  const gzip = createGzip({ level: zlib.Z_BEST_SPEED, flush: zlib.Z_SYNC_FLUSH });
  pipeline(body, gzip, () => undefined);
  void reply.header('content-encoding', 'gzip').send(gzip);
}

/** Whether Accept-Encoding names gzip (or anything) and does not refuse it by a weight of 0. */
function takesGzip(header: string | string[] | undefined): boolean {
  const weights = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((part) => {
        const [coding = '', ...parameters] = part.split(';').map((text) => text.trim());
        const weight = parameters.find((text) => text.startsWith('q='))?.slice(2);
        return [coding, weight === undefined ? 1 : Number(weight)] as const;
      }),
  );
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}

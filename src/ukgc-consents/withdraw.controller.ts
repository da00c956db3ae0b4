import { Controller, HttpCode, Post, Query, Req } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, CrmErrors } from '../common/api-answers.dto.js';
import { BulkWithdrawalService } from '../consents/import/bulk-withdrawal.service.js';
import { toWithdrawalResultDto, WithdrawalResultDto, WithdrawQuery } from './withdraw.dto.js';

/** Withdrawals by the list. */
@ApiTags('UKGC consents')
@ApiKeyAuth()
@Controller('userconsents/withdraw')
export class WithdrawController {
  constructor(private readonly withdrawals: BulkWithdrawalService) {}

  /**
   * Withdraw the consent of a list of players of any length, to one channel or all. The body is streamed. Lines that are no id are
   * rejected, and the others count; unknown players are created; the same list may be sent again without effect.
   */
  @Post()
  @RequireScope('consents:write')
  @HttpCode(200)
  @ApiConsumes('text/plain', 'text/csv')
  @ApiBody({ schema: { type: 'string', example: '2001\n2002\n' } })
  @ApiAnswers(200, WithdrawalResultDto)
  @CrmErrors(400, 409)
  async withdrawConsents(
    @Client() { brandId, clientId }: ClientPrincipal,
    @Query() { channel, format, source }: WithdrawQuery,
    @Req() request: FastifyRequest,
  ): Promise<WithdrawalResultDto> {
    const by = { brandId, actor: `client:${clientId}`, source, dryRun: false };
    const result = await this.withdrawals.run(request.body as Readable, { ...by, channel, format });
    return toWithdrawalResultDto(result);
  }
}

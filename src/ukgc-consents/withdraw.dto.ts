import { IsIn, IsString, Matches, MaxLength } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import { crmChannels } from '../consents/channels.js';
import type { WithdrawalResult, WithdrawnChannel } from '../consents/import/bulk-withdrawal.service.js';
import type { IdFormat } from '../consents/import/id-reader.js';
import { ImportRejectDto } from './import.dto.js';

@IgnoreUnknownKeys()
export class WithdrawQuery {
  /**
   * What is withdrawn from: one channel, or `all` of them.
   * @example email
   */
  @IsIn([...crmChannels, 'all'])
  channel: WithdrawnChannel;

  /** How the body is written: an id on each line, or CSV with a column `player_id`. */
  @IsIn(['ids', 'csv'])
  format: IdFormat;

  /** Your word for why, kept with each event. */
  @IfGiven()
  @IsString()
  @MaxLength(100)
  @Matches(/^[^\p{Cc}]+$/u, { message: 'source must be a text without control characters' })
  source: string = 'withdraw';
}

export class WithdrawalResultDto {
  /** Ids in the list. */
  players: number;

  /** Channels withdrawn from, with an event each. */
  withdrawn: number;

  /** Channels that were out already. */
  unchanged: number;

  /** Lines that are no id. */
  rejected: number;

  /** The first hundred. */
  rejects: ImportRejectDto[];
}

/** What became of a list. */
export function toWithdrawalResultDto(result: WithdrawalResult): WithdrawalResultDto {
  const { players, withdrawn, unchanged, rejected, rejects } = result;
  return { players, withdrawn, unchanged, rejected, rejects };
}

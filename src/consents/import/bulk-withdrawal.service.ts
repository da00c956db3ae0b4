import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Channel, type CrmChannel } from '../channels.js';
import { BulkChanges, type StagedBatch } from './bulk-changes.js';
import { type IdFormat, readIds } from './id-reader.js';
import { type BulkOptions, Tally } from './import-tally.js';

/** What is withdrawn from: a channel, or every one there is. */
export type WithdrawnChannel = CrmChannel | 'all';

export interface WithdrawalOptions extends BulkOptions {
  format: IdFormat;
  channel: WithdrawnChannel;
  /** What the events say they came through. */
  source: string;
}

export interface WithdrawalResult {
  /** Ids in the list that are ids. */
  players: number;
  /** Channels withdrawn from, with an event each. */
  withdrawn: number;
  /** Channels that were out already. */
  unchanged: number;
  rejected: number;
  /** The first hundred. */
  rejects: { line: number; reason: string }[];
}

/** Withdraws consent for a list of players. Unknown ones are created, as by every withdrawal; the same list again changes nothing. */
@Injectable()
export class BulkWithdrawalService {
  constructor(private readonly changes: BulkChanges) {}

  /** Nothing is withdrawn before the whole list was read. Rejects with conflict while an import of the brand is under way. */
  async run(input: Readable, options: WithdrawalOptions): Promise<WithdrawalResult> {
    const tally = new Tally(options);
    await this.changes.apply(options, tally, () => stage(input, options, tally));
    const { rows: players, applied: withdrawn, unchanged, rejected, rejects } = tally.result;
    return { players, withdrawn, unchanged, rejected, rejects };
  }
}

async function* stage(
  input: Readable,
  { format, channel, source, onProgress }: WithdrawalOptions,
  tally: Tally,
): AsyncGenerator<StagedBatch> {
  const codes = channel === 'all' ? Object.values(Channel) : [Channel[channel]];
  for await (const ids of readIds(input, format)) {
    const batch: StagedBatch = [];
    for (const { line, playerId, problem } of ids) {
      if (problem !== null) {
        tally.reject({ line, reason: problem, row: playerId });
        continue;
      }
      tally.result.rows++;
      for (const code of codes)
        batch.push({ line, row: { playerId, channel: code, target: 0, occurredAt: null, source } });
    }
    onProgress?.('reading', tally.result.rows, null);
    yield batch;
  }
}

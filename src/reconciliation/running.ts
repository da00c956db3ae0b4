import type { Readable } from 'node:stream';
import { Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import type { Client } from 'pg';
import { Config } from '../config/config.js';
import { outcomeOf, type RunOutcome, RunsService, type RunStart } from './runs.service.js';

/** Milliseconds that a caller has at most to take what is left once a run was ended; never more than the run itself. */
const longestFarewellMs = 30_000;
/** Milliseconds that runs under way have when the service stops; the server then waits 30 s at most. */
const stopAfterMs = 20_000;

/** A run under way. */
export class Running {
  /** Players in the answer; null as long as it is not complete. */
  users: number | null = null;
  /** Of the answer so far. */
  bytes = 0;
  private readonly ending = new AbortController();

  constructor(
    readonly id: string,
    readonly brandId: number,
    readonly client: Client,
  ) {}

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  /** Ends it from outside: whatever its connection is at is given up. */
  end(outcome: RunOutcome): void {
    if (this.signal.aborted) return;
    this.ending.abort(outcome);
    void this.client.end().catch(() => undefined);
  }

  /** What it comes to after this failure, or otherwise: how it was ended from outside comes first. */
  outcomeAfter(error: unknown, otherwise = outcomeOf(error)): RunOutcome {
    return this.signal.aborted ? (this.signal.reason as RunOutcome) : otherwise;
  }
}

/** Looks after the runs of this instance: their time limit, callers who go, and the end of the service. */
@Injectable()
export class RunningRuns implements OnModuleDestroy {
  private readonly logger = new Logger('Reconciliation');
  private readonly all = new Set<Running>();

  constructor(
    private readonly runs: RunsService,
    private readonly config: Config,
  ) {}

  /** Lets what is under way end by itself for a while; does not wait. */
  onModuleDestroy(): void {
    const endAll = () => {
      for (const run of this.all) run.end('stopping');
    };
    if (this.all.size > 0) setTimeout(endAll, stopAfterMs).unref();
  }

  /** Writes down that a run begins on this connection, which is the run's from now on, until its caller has gone. */
  async start(client: Client, start: Omit<RunStart, 'limitMs'>, gone: AbortSignal): Promise<Running> {
    const limitMs = this.config.RECONCILIATION_TIME_LIMIT_MS;
    const running = new Running(await this.runs.start({ ...start, limitMs }), start.brandId, client);
    const limit = setTimeout(() => running.end('timeout'), limitMs).unref();
    running.signal.addEventListener('abort', () => clearTimeout(limit));
    this.all.add(running);
    const hangUp = () => running.end('hung up');
    if (gone.aborted) hangUp();
    else gone.addEventListener('abort', hangUp);
    return running;
  }

  /** Ends the run with its answer, and gives up a caller who does not even take its last bytes. */
  follow(running: Running, body: Readable): void {
    // A caller may have gone before the first byte, and then nobody ever reads the body.
    body.once('close', () => void this.finish(running, 'hung up'));
    running.signal.addEventListener('abort', () => {
      const farewellMs = Math.min(longestFarewellMs, this.config.RECONCILIATION_TIME_LIMIT_MS);
      const farewell = setTimeout(() => body.destroy(), farewellMs).unref();
      body.once('close', () => clearTimeout(farewell));
    });
  }

  /** Writes down what came of it, and gives its connection back. Never rejects; the second time it does nothing. */
  async finish(running: Running, outcome: RunOutcome, cause?: unknown): Promise<void> {
    const { id, brandId, users, bytes } = running;
    if (!this.all.delete(running)) return;
    // A run that was ended from outside came to that, whatever became of its answer since.
    const known = outcome === 'hung up' ? running.outcomeAfter(cause, outcome) : outcome;
    running.end(known);
    if (known === 'internal') this.report(id, cause);
    await this.runs.finish(brandId, id, { outcome: known, users, bytes });
  }

  /** By name and SQLSTATE: the driver's words may hold what is nobody's business. */
  private report(run: string, cause: unknown): void {
    const { code, name } = (cause ?? {}) as { code?: unknown; name?: unknown };
    this.logger.error({ msg: 'a reconciliation run failed', run, error: String(name), sqlState: code });
  }
}

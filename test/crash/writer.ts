import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer } from '../support/http.js';
import { demoKey } from '../support/test-app.js';
import type { Journal, Write } from './journal.js';
import { KnownPlayer } from './known-player.js';
import { Random } from './random.js';
import type { Supervisor } from './supervisor.js';

const recentPlayers = 6;
const longestThoughtMs = 10;
const pauseAfterFailureMs = 20;
/** Of the writes, so many are universal consents. */
const universalShare = 0.35;

export type WriteKind = 'marketing' | 'universal';

/**
 * A client that changes consents of players who are its own, one change after the other, and writes a journal. What was not
 * acknowledged it gives up, or asks for again under the same key.
 */
export class Writer {
  private readonly random: Random;
  private readonly players: KnownPlayer[] = [];
  private playerCount = 0;
  private writeCount = 0;
  private isStopped = false;

  constructor(
    seed: number,
    private readonly name: string,
    private readonly journal: Journal,
    private readonly service: Supervisor,
  ) {
    this.random = new Random(seed, name);
  }

  /** Writes until it is stopped; what it has begun by then it brings to its end. */
  async run(): Promise<void> {
    while (!this.isStopped) {
      await this.writeOnce(this.random.chance(universalShare) ? 'universal' : 'marketing');
      await sleep(this.random.between(0, longestThoughtMs));
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  /** One change, asked for until it is acknowledged or given up. */
  async writeOnce(kind: WriteKind): Promise<Write> {
    const player = this.choosePlayer();
    const write = this.compose(player, kind);
    const isPersistent = write.key !== null && this.random.chance(0.8);
    this.journal.begin(write);
    let answer: string | null;
    do {
      answer = await this.send(write);
      if (answer !== null) break;
      await sleep(pauseAfterFailureMs);
    } while (isPersistent);
    player.learn(write, answer);
    return write;
  }

  private choosePlayer(): KnownPlayer {
    const recent = this.players.slice(-recentPlayers);
    const regular = this.players[0];
    if (regular && this.random.chance(0.1)) return regular;
    if (recent.length > 0 && this.random.chance(0.6)) return this.random.pick(recent);
    const player = new KnownPlayer(`${this.name}-${this.playerCount++}`);
    this.players.push(player);
    return player;
  }

  private compose(player: KnownPlayer, kind: WriteKind): Write {
    const id = `${this.name}/${this.writeCount++}`;
    const key = this.random.chance(0.6) ? `key ${id}` : null;
    const begun = { id, key, sentAt: Date.now(), acknowledgedAt: null };
    return kind === 'marketing'
      ? player.composeMarketing(this.random, begun)
      : player.composeUniversal(this.random, begun);
  }

  /** The answer, if it acknowledges the write. */
  private async send(write: Write): Promise<string | null> {
    const client = await this.service.whenUp();
    const { id, key, request } = write;
    const headers = {
      // A record is changed by whoever has its ClientId.
      ...(request.method === 'POST' && { 'x-auth-token': demoKey }),
      'content-type': 'application/json',
      'user-agent': id,
      ...(key !== null && { 'idempotency-key': key }),
    };
    this.journal.underWay += 1;
    try {
      return this.judge(write, await client.send({ ...request, headers }));
    } catch {
      // The connection is gone, and with it the answer.
      return null;
    } finally {
      this.journal.underWay -= 1;
    }
  }

  private judge(write: Write, { status, text, headers }: HttpAnswer): string | null {
    if (headers['idempotency-replayed']) this.journal.replayed += 1;
    const isMade = write.reference !== null && write.request.method === 'POST';
    if (status === (isMade ? 201 : 200)) {
      this.journal.acknowledge(write);
      return text;
    }
    // 503: the database is away. 409: the try before is still at work in the database although its service is dead.
    if (status !== 503 && !(status === 409 && write.key !== null))
      this.journal.faults.push(`write ${write.id} was answered ${status}: ${text.slice(0, 200)}`);
    return null;
  }
}

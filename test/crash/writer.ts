import { setTimeout as sleep } from 'node:timers/promises';
import { type CrmChannel, crmChannels } from '../../src/consents/channels.js';
import type { HttpAnswer } from '../support/http.js';
import { demoKey } from '../support/test-app.js';
import type { Journal, Write } from './journal.js';
import { Random } from './random.js';
import type { Supervisor } from './supervisor.js';

/** The demo brand's products, in the order of their bits from 1. */
const products = ['casino', 'sports', 'lottery', 'bingo'];
const recentPlayers = 6;
const longestThoughtMs = 10;
const pauseAfterFailureMs = 20;

/** A player, and all that each channel may be at: more than one mask where an answer never came. */
interface KnownPlayer {
  id: string;
  masks: Map<CrmChannel, Set<number>>;
}

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
      await this.writeOnce();
      await sleep(this.random.between(0, longestThoughtMs));
    }
  }

  stop(): void {
    this.isStopped = true;
  }

  /** One change, asked for until it is acknowledged or given up. */
  async writeOnce(): Promise<Write> {
    const player = this.choosePlayer();
    const write = this.compose(player);
    const isPersistent = write.key !== null && this.random.chance(0.8);
    this.journal.begin(write);
    do {
      if (await this.send(write)) break;
      await sleep(pauseAfterFailureMs);
    } while (isPersistent);
    for (const [channel, mask] of write.targets) {
      if (write.acknowledgedAt !== null) player.masks.set(channel, new Set([mask]));
      else player.masks.get(channel)?.add(mask);
    }
    return write;
  }

  private choosePlayer(): KnownPlayer {
    const recent = this.players.slice(-recentPlayers);
    const regular = this.players[0];
    if (regular && this.random.chance(0.1)) return regular;
    if (recent.length > 0 && this.random.chance(0.6)) return this.random.pick(recent);
    const masks = new Map(crmChannels.map((channel) => [channel, new Set([0])]));
    const player = { id: `${this.name}-${this.playerCount++}`, masks };
    this.players.push(player);
    return player;
  }

  private compose(player: KnownPlayer): Write {
    const id = `${this.name}/${this.writeCount++}`;
    const targets = new Map<CrmChannel, number>();
    for (let count = this.random.between(1, 4); count > 0; count--) {
      const channel = this.random.pick(crmChannels);
      const taken = player.masks.get(channel);
      let mask: number;
      do mask = this.random.chance(0.3) ? 0 : 1 | (this.random.between(0, 16) << 1);
      while (taken?.has(mask));
      targets.set(channel, mask);
    }
    const key = this.random.chance(0.6) ? `key ${id}` : null;
    return { id, playerId: player.id, key, targets, sentAt: Date.now(), acknowledgedAt: null };
  }

  /** Whether it was acknowledged. */
  private async send(write: Write): Promise<boolean> {
    const client = await this.service.whenUp();
    const { id, key, playerId } = write;
    const request = {
      method: 'POST',
      path: `/userconsents/${playerId}`,
      headers: {
        'x-auth-token': demoKey,
        'content-type': 'application/json',
        'user-agent': id,
        ...(key !== null && { 'idempotency-key': key }),
      },
      body: JSON.stringify({ consents: [...write.targets].map(toChange) }),
    };
    this.journal.underWay += 1;
    try {
      return this.judge(write, await client.send(request));
    } catch {
      // The connection is gone, and with it the answer.
      return false;
    } finally {
      this.journal.underWay -= 1;
    }
  }

  private judge(write: Write, { status, text, headers }: HttpAnswer): boolean {
    if (headers['idempotency-replayed']) this.journal.replayed += 1;
    if (status === 200) this.journal.acknowledge(write);
    // 503: the database is away. 409: the try before is still at work in the database although its service is dead.
    else if (status !== 503 && !(status === 409 && write.key !== null))
      this.journal.faults.push(`write ${write.id} was answered ${status}: ${text.slice(0, 200)}`);
    return status === 200;
  }
}

function toChange([type, mask]: [CrmChannel, number]) {
  const named = products.filter((_, index) => mask & (2 << index));
  return { type, opted_in: mask !== 0, ...(named.length > 0 && { products: named }) };
}

import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { AppError } from '../common/errors.js';
import { HealthService } from '../health/health.service.js';

/** Argon2id, version 19. Each hash takes 19 MiB and some 20 ms of one core. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** How a hash of ours begins. */
const form = /^\$argon2id\$v=19\$m=(?<memory>\d+),t=(?<time>\d+),p=(?<lanes>\d+)\$/;
/** Half the cores, so that what else the service does has the others; never all of libuv's four threads. */
const mostAtOnce = Math.max(1, Math.min(3, Math.floor(availableParallelism() / 2)));
/** Callers under way, those that wait for their turn included: some two seconds' work. */
const mostAdmitted = 64;
const retryAfterSeconds = 2;

const unpadded = (bytes: number) => randomBytes(bytes).toString('base64').replaceAll('=', '');

/** Hashes passwords, a few at a time: a storm of log-ins waits in a line of its own and starves nobody else. */
@Injectable()
export class PasswordHasher {
  /** Nobody's: takes as long to verify as any other, and no password fits. */
  private readonly nobody =
    `$argon2id$v=19$m=${cost.memoryCost},t=${cost.timeCost},p=${cost.parallelism}$${unpadded(16)}$${unpadded(32)}`;
  private readonly waiting: (() => void)[] = [];
  private readonly hashes: Counter;
  private running = 0;
  private admitted = 0;

  constructor({ registry }: HealthService) {
    this.hashes = new Counter({
      name: 'password_hashes_total',
      help: 'Passwords hashed or verified by this instance',
      registers: [registry],
    });
    const { waiting } = this;
    new Gauge({
      name: 'password_hashes_waiting',
      help: 'Passwords that wait for their turn to be hashed',
      registers: [registry],
      collect() {
        this.set(waiting.length);
      },
    });
  }

  /** Does work that will hash; too_many_requests, before it begins, when too many others are at it. */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.admitted >= mostAdmitted) {
      throw new AppError('too_many_requests', undefined, [], { retryAfterSeconds });
    }
    this.admitted++;
    try {
      return await work();
    } finally {
      this.admitted--;
    }
  }

  /** A password's hash in its PHC form, with a salt of its own. */
  hash(password: string): Promise<string> {
    return this.inTurn(() => hash(password.normalize('NFC'), cost));
  }

  /** Whether the password is the hash's; of no hash it never is, and takes as long to say. */
  async verify(stored: string | null, password: string): Promise<boolean> {
    const fits = await this.inTurn(() => verify(stored ?? this.nobody, password.normalize('NFC')));
    return fits && stored !== null;
  }

  /** Whether a hash took less than hashes take now, or is of another kind. */
  isOutdated(stored: string): boolean {
    const { memory, time, lanes } = form.exec(stored)?.groups ?? {};
    return (
      Number(memory ?? 0) < cost.memoryCost ||
      Number(time ?? 0) < cost.timeCost ||
      Number(lanes ?? 0) < cost.parallelism
    );
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= mostAtOnce) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running++;
    this.hashes.inc();
    try {
      return await work();
    } finally {
      // Whoever is next takes the place as it is.
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}

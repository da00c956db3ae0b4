import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type EntityManager, IsNull, MoreThan } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Clock } from '../common/clock.js';
import { DerivedCodes } from '../common/derived-codes.js';
import { AppError } from '../common/errors.js';
import { KeyedHash, sha256 } from '../common/secrets.js';
import { Config } from '../config/config.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCode } from '../database/entities/player-code.entity.js';
import { MessagesService } from '../delivery/messages.service.js';

const lifeMinutes = 10;
/** Codes that a player may be sent in an hour. */
const codesAnHour = 5;
const hourMs = 3_600_000;

/** A number that waits for its code, and the token that goes with the code. */
export interface NumberToVerify {
  mobileNumber: string;
  token: string;
}

/** Codes that show a number to be the player's. */
@Injectable()
export class MobileCodesService {
  private readonly codes: DerivedCodes;
  private readonly hash: KeyedHash;

  constructor(
    private readonly messages: MessagesService,
    private readonly clock: Clock,
    config: Config,
  ) {
    this.codes = new DerivedCodes(config.SECRET_KEYS, 'mobile-code');
    this.hash = new KeyedHash(config.SECRET_KEYS, 'mobile-code-hash');
  }

  /**
   * Sends a code to a number in the caller's transaction, whose end the caller signals (OutboxSignal). The number is pending
   * from then on, and earlier codes are void. The player must be locked. too_many_requests beyond five an hour.
   */
  async begin(
    manager: EntityManager,
    brand: BrandSettings,
    player: Player,
    number: string,
  ): Promise<NumberToVerify> {
    const key = { brandId: brand.id, playerId: player.playerId };
    const now = this.clock.now();
    await refuseTooMany(manager, key, now);
    const id = uuidv7();
    const origin = this.codes.originOf(id);
    const token = randomUUID();
    await manager.update(PlayerCode, { ...key, endedAt: IsNull() }, { endedAt: now });
    await manager.insert(PlayerCode, {
      ...key,
      id,
      number,
      tokenHash: sha256(token),
      codeHash: this.hash.digest(`${id} ${this.codes.code(origin)}`),
      createdAt: now,
      expiresAt: new Date(now.getTime() + lifeMinutes * 60_000),
    });
    await manager.update(Player, key, { pendingMobileNumber: number });
    await this.messages.queueSms(manager, {
      ...key,
      to: `+${number.replace('-', '')}`,
      message: 'mobile_code',
      language: player.language ?? brand.facts.defaultLanguage,
      variables: { minutes: String(lifeMinutes) },
      code: origin,
    });
    return { mobileNumber: number, token };
  }
}

async function refuseTooMany(
  manager: EntityManager,
  key: { brandId: number; playerId: string },
  now: Date,
): Promise<void> {
  const sent = await manager.find(PlayerCode, {
    where: { ...key, createdAt: MoreThan(new Date(now.getTime() - hourMs)) },
    select: { createdAt: true },
    order: { id: 'DESC' },
    take: codesAnHour,
  });
  const oldest = sent[codesAnHour - 1];
  if (!oldest) return;
  const retryAfterSeconds = Math.max(
    1,
    Math.ceil((oldest.createdAt.getTime() + hourMs - now.getTime()) / 1000),
  );
  throw new AppError('too_many_requests', undefined, [], { retryAfterSeconds });
}

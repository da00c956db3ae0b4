import type { BrandSettings } from '../../brands/brand-settings.js';
import { parseInstantText } from '../../common/instant.js';
import { isPlayerId } from '../../common/player-id.js';
import { Channel, type CrmChannel, isCrmChannel } from '../channels.js';
import type { RowValues } from './row-reader.js';

/** A row as the database takes it. */
export interface StagedRow {
  playerId: string;
  channel: number;
  target: number;
  /** RFC 3339; null: when it is applied, so that it is never stale. */
  occurredAt: string | null;
  source: string;
}

const maxFutureMs = 300_000;
const maxSourceLength = 100;
const controlCharacter = /\p{Cc}/u;
const plainInstant = /^\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/;
const dayLength = 10;
const rememberedValues = 10_000;

/** Checks rows against a brand's rules; what repeats (channels, product lists) is worked out once. */
export class RowChecker {
  private readonly targets = new Map<string, number | string>();
  private readonly latest = Date.now() + maxFutureMs;
  private readonly today = new Date().toISOString().slice(0, dayLength);
  private readonly pastDays = new Set<string>();
  private readonly sources = new Set<string>();

  constructor(private readonly brand: BrandSettings) {}

  /** The row to stage, or a text that says what is wrong with it. */
  check(values: RowValues): StagedRow | string {
    const { player_id: playerId, source } = values;
    const id = typeof playerId === 'number' && Number.isSafeInteger(playerId) ? String(playerId) : playerId;
    if (!isPlayerId(id)) return 'player_id must be 1 to 64 letters, digits, _ or -';
    const name = values.channel === 'siteNotifiction' ? 'siteNotification' : values.channel;
    if (!isCrmChannel(name)) return `unknown channel ${quote(values.channel)}`;
    const target = this.targetOf(name, values.opted_in, values.products);
    if (typeof target === 'string') return target;
    const problem = this.checkInstant(values.occurred_at);
    if (problem) return problem;
    if (source !== undefined && source !== null && !this.isSource(source)) {
      return `source must be a text of at most ${maxSourceLength} characters`;
    }
    return {
      playerId: id,
      channel: Channel[name],
      target,
      occurredAt: values.occurred_at as string,
      source: source ? source : 'import',
    };
  }

  private targetOf(channel: CrmChannel, optedIn: unknown, products: unknown): number | string {
    const isIn = optedIn === true || optedIn === 'true';
    if (!isIn && optedIn !== false && optedIn !== 'false')
      return `opted_in must be true or false, not ${quote(optedIn)}`;
    if (!isIn) return 0;
    if (typeof products !== 'string') return this.targetOfList(channel, products);
    const key = `${channel} ${products}`;
    const known = this.targets.get(key);
    if (known !== undefined) return known;
    const target = this.targetOfList(channel, products === '' ? undefined : products.split('|'));
    if (this.targets.size < rememberedValues) this.targets.set(key, target);
    return target;
  }

  private targetOfList(channel: CrmChannel, products: unknown): number | string {
    if (products === undefined || products === null) {
      return this.brand.requiresProducts(channel) ? `products are required on ${channel}` : 1;
    }
    if (!Array.isArray(products)) return 'products must be a list';
    if (products.length === 0) return 0;
    let mask = 1;
    for (const name of products as unknown[]) {
      const bit = typeof name === 'string' ? this.brand.productBit(name) : undefined;
      if (bit === undefined) return `unknown product ${quote(name)}`;
      mask |= bit;
    }
    return mask;
  }

  private checkInstant(value: unknown): string | null {
    const day = typeof value === 'string' && plainInstant.test(value) ? value.slice(0, dayLength) : '';
    if (this.pastDays.has(day)) return null;
    const time = parseInstantText(value);
    if (!time) return `occurred_at must be an RFC 3339 instant of the calendar, not ${quote(value)}`;
    // Any time of a day of the calendar that is over is in the past; the files of years have few days.
    if (day !== '' && day < this.today && this.pastDays.size < rememberedValues) this.pastDays.add(day);
    return time.getTime() > this.latest ? 'occurred_at lies in the future' : null;
  }

  private isSource(source: unknown): source is string {
    if (typeof source !== 'string' || source.length > maxSourceLength) return false;
    if (this.sources.has(source)) return true;
    if (controlCharacter.test(source)) return false;
    if (this.sources.size < rememberedValues) this.sources.add(source);
    return true;
  }
}

function quote(value: unknown): string {
  return JSON.stringify(value ?? '')?.slice(0, 60) ?? '""';
}

import { Channel, type CrmChannel, crmChannels, recordChannel } from '../../src/consents/channels.js';
import { ConsentLevel, consentLevels } from '../../src/consents/universal/universal-record.js';
import type { Write } from './journal.js';
import type { Random } from './random.js';

/** The demo brand's products, in the order of their bits from 1. */
const products = ['casino', 'sports', 'lottery', 'bingo'];
const references = ['newsletter', 'terms'];
const consentTypes = ['cookies', 'Call'];

/** A record of universal consent that is there, and can be changed. */
interface KnownRecord {
  subject: string;
  clientId: string;
  reference: string;
}

/** What every write has. */
type Begun = Pick<Write, 'id' | 'key' | 'sentAt' | 'acknowledgedAt'>;

/** A player of a writer, and what the writer knows: by it every write is composed so that it must take effect. */
export class KnownPlayer {
  /** All that each channel may be at: more than one mask where an answer never came. */
  private readonly masks = new Map<number, Set<number>>(
    crmChannels.map((name) => [Channel[name], new Set([0])]),
  );
  private readonly records: KnownRecord[] = [];

  constructor(readonly id: string) {}

  /** Changes one to three channels, none to what it may be at. */
  composeMarketing(random: Random, begun: Begun): Write {
    const changes = new Map<CrmChannel, number>();
    for (let count = random.between(1, 4); count > 0; count--) {
      const channel = random.pick(crmChannels);
      const taken = this.masks.get(Channel[channel]);
      let mask: number;
      do mask = random.chance(0.3) ? 0 : 1 | (random.between(0, 16) << 1);
      while (taken?.has(mask));
      changes.set(channel, mask);
    }
    const body = JSON.stringify({ consents: [...changes].map(toChange) });
    return {
      ...begun,
      ...{ subject: this.id, reference: null, consentType: null },
      targets: new Map([...changes].map(([name, mask]) => [Channel[name], mask])),
      request: { method: 'POST', path: `/userconsents/${this.id}`, body },
    };
  }

  /** States a consent of the player, or of an address that is nobody's id, or changes one that is there. */
  composeUniversal(random: Random, begun: Begun): Write {
    const level = random.pick(consentLevels);
    const targets = new Map([[recordChannel.universal, ConsentLevel[level]]]);
    const stated = { ConsentGiven: level, Metadata: JSON.stringify(begun.id) };
    const path = '/api/universalconsent';
    if (this.records.length > 0 && random.chance(0.4)) {
      const { subject, clientId, reference } = random.pick(this.records);
      const body = JSON.stringify({ ClientId: clientId, Reference: reference, ...stated });
      const request = { method: 'PATCH' as const, path, body };
      return { ...begun, subject, reference, consentType: null, targets, request };
    }
    const subject = random.chance(0.5) ? this.id : `${this.id}@example.com`;
    const [reference, consentType] = [random.pick(references), random.pick(consentTypes)];
    const body = JSON.stringify({
      ...{ CustomUserId: subject, Reference: reference, ConsentType: consentType },
      ...stated,
    });
    return { ...begun, subject, reference, consentType, targets, request: { method: 'POST', path, body } };
  }

  /** Takes note of what a write came to; without an answer it may have taken effect, or may yet. */
  learn({ reference, subject, targets, acknowledgedAt }: Write, answer: string | null): void {
    if (reference === null) {
      for (const [channel, mask] of targets) {
        if (acknowledgedAt !== null) this.masks.set(channel, new Set([mask]));
        else this.masks.get(channel)?.add(mask);
      }
      return;
    }
    const isThere = this.records.some(
      (record) => record.subject === subject && record.reference === reference,
    );
    if (answer === null || isThere) return;
    const { ClientId: clientId } = JSON.parse(answer) as { ClientId: string };
    this.records.push({ subject, clientId, reference });
  }
}

function toChange([type, mask]: [CrmChannel, number]) {
  const named = products.filter((_, index) => mask & (2 << index));
  return { type, opted_in: mask !== 0, ...(named.length > 0 && { products: named }) };
}

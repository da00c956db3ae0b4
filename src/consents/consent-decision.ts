import type { BrandSettings } from '../brands/brand-settings.js';
import { BlockChannel, Channel, type CrmChannel } from './channels.js';
import { eventId, type LastEventRow } from './consent-history.service.js';
import { type MarketingStateRow, stateColumns } from './marketing-state.js';

/** Why a player may or may not be contacted, and the record it rests on. */
export interface DecisionReason {
  code:
    | 'excluded'
    | 'blocked'
    | 'no_choice_recorded'
    | 'withdrawn'
    | 'products_required'
    | 'product_not_included'
    | 'product_not_named'
    | 'opted_in'
    | 'opted_in_for_product';
  text: string;
  event_id?: string;
}

export interface Decision {
  allowed: boolean;
  reasons: DecisionReason[];
}

export interface DecisionFacts {
  brand: BrandSettings;
  state: MarketingStateRow;
  lastEvents: ReadonlyMap<number, LastEventRow>;
  channel: CrmChannel;
  product?: { name: string; bit: number };
}

/** May the player be contacted on the channel about the product? Every reason against is given, or the one for it. */
export function decide(facts: DecisionFacts): Decision {
  const against = [...blockReasons(facts), ...consentReasons(facts)];
  if (against.length > 0) return { allowed: false, reasons: against };
  const { channel, product, state } = facts;
  const limited = state[stateColumns[channel]] !== 1;
  const text =
    limited && product
      ? `the player is opted in to ${channel} for ${product.name}`
      : `the player is opted in to ${channel}, not limited to products`;
  return {
    allowed: true,
    reasons: [
      { code: limited ? 'opted_in_for_product' : 'opted_in', text, ...cite(facts, Channel[channel]) },
    ],
  };
}

function blockReasons(facts: DecisionFacts): DecisionReason[] {
  const reasons: DecisionReason[] = [];
  if (facts.state.excluded) {
    reasons.push({
      code: 'excluded',
      text: 'the player is self-excluded',
      ...cite(facts, BlockChannel.excluded),
    });
  }
  if (facts.state.blocked) {
    reasons.push({ code: 'blocked', text: 'the player is blocked', ...cite(facts, BlockChannel.blocked) });
  }
  return reasons;
}

function consentReasons(facts: DecisionFacts): DecisionReason[] {
  const { brand, state, channel, product } = facts;
  const mask = state[stateColumns[channel]];
  const event = cite(facts, Channel[channel]);
  if (mask === 0) {
    return event.event_id
      ? [{ code: 'withdrawn', text: `consent to ${channel} was withdrawn`, ...event }]
      : [{ code: 'no_choice_recorded', text: `the player never consented to ${channel}` }];
  }
  if (mask === 1) {
    if (!brand.requiresProducts(channel)) return [];
    const text = `the brand requires consent by product on ${channel}, and the player gave it without products`;
    return [{ code: 'products_required', text, ...event }];
  }
  const names = brand.productNames(mask).join(', ');
  if (!product) {
    const text = `the player is opted in to ${channel} only for ${names}: name the product of the message`;
    return [{ code: 'product_not_named', text, ...event }];
  }
  if (mask & product.bit) return [];
  const text = `the player is opted in to ${channel} for ${names}, not for ${product.name}`;
  return [{ code: 'product_not_included', text, ...event }];
}

function cite(facts: DecisionFacts, channel: number): { event_id?: string } {
  const event = facts.lastEvents.get(channel);
  return event ? { event_id: eventId(facts.state.player_id, event.seq) } : {};
}

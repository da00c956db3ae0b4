import { Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';
import { recordChannel } from './channels.js';
import { PolicyAnswer } from './policies/policy.js';

export interface LedgerReport {
  events: number;
  players: number;
  brokenLinks: number;
  gaps: number;
  differingStates: number;
  alteredEvidence: number;
  erasedEvidence: number;
}

/** Proves the ledger against itself. */
@Injectable()
export class LedgerService {
  constructor(private readonly database: Database) {}

  /** Reads every event of a brand, or of all, in one snapshot; takes a while on a large ledger. */
  async verify(brandId?: number): Promise<LedgerReport> {
    return this.database.withConnection(async (client) => {
      await client.query('begin isolation level repeatable read read only');
      const brand = [brandId ?? null];
      const { rows: chain } = await client.query<Record<string, number>>(chains, brand);
      const { rows: state } = await client.query<Record<string, number>>(states, brand);
      const { rows: record } = await client.query<Record<string, number>>(records, brand);
      const { rows: policy } = await client.query<Record<string, number>>(policyConsents, brand);
      const { rows: proof } = await client.query<Record<string, number>>(evidence, brand);
      await client.query('commit');
      const numbers = { ...chain[0], ...state[0], ...record[0], ...policy[0], ...proof[0] };
      const read = (name: string) => numbers[name] ?? 0;
      return {
        events: read('events'),
        players: read('players'),
        brokenLinks: read('broken_links'),
        gaps: read('gaps'),
        differingStates: read('differing_states') + read('differing_records') + read('differing_policies'),
        alteredEvidence: read('altered'),
        erasedEvidence: read('erased'),
      };
    });
  }
}

const chains = `
  select count(*)::float8 as events, count(*) filter (where seq = 1)::float8 as players,
    count(*) filter (where before <> previous)::float8 as broken_links, count(*) filter (where seq <> previous_seq + 1)::float8 as gaps
  from (
    select seq, before, lag(after, 1, 0) over (partition by brand_id, player_id, channel, target_id order by seq) as previous,
      lag(seq, 1, 0::bigint) over (partition by brand_id, player_id order by seq) as previous_seq
    from consent_events where brand_id = $1 or $1::integer is null
  ) e`;

const states = `
  select count(*)::float8 as differing_states
  from marketing_states s
  left join (
    select brand_id, player_id, max(seq) as seq,
      ${[1, 2, 3, 4, 5, 6, 7, 20, 21].map((code) => `(max(array[seq, after]) filter (where channel = ${code}))[2] as c${code}`).join(', ')}
    from consent_events where brand_id = $1 or $1::integer is null group by brand_id, player_id
  ) e on e.brand_id = s.brand_id and e.player_id = s.player_id
  where (s.brand_id = $1 or $1::integer is null)
    and (coalesce(e.seq, 0), coalesce(c1, 0), coalesce(c2, 0), coalesce(c3, 0), coalesce(c4, 0), coalesce(c5, 0), coalesce(c6, 0),
      coalesce(c7, 0), coalesce(c20, 0), coalesce(c21, 0)) is distinct from
      (s.seq, s.email::bigint, s.sms::bigint, s.telephone::bigint, s.post_mail::bigint, s.site_notification::bigint,
      s.push_notification::bigint, s.chat::bigint, s.excluded::integer::bigint, s.blocked::integer::bigint)`;

/** Universal consents that are not what their last event says, and subjects that count their own events wrongly. */
const records = `
  select (
    select count(*)::float8
    from universal_consents u
    full join (
      select distinct on (brand_id, target_id) brand_id, target_id, seq, after
      from consent_events where channel = 30 and (brand_id = $1 or $1::integer is null)
      order by brand_id, target_id, seq desc
    ) e on e.brand_id = u.brand_id and e.target_id = u.id
    where coalesce(u.brand_id, e.brand_id) = coalesce($1::integer, u.brand_id, e.brand_id)
      and (u.seq, u.level::integer) is distinct from (e.seq, e.after)
  ) + (
    select count(*)::float8
    from subjects s
    left join lateral (
      select max(e.seq) as seq from consent_events e where e.brand_id = s.brand_id and e.player_id = s.player_id) e on true
    where (s.brand_id = $1 or $1::integer is null) and s.player_id like '~%' and s.seq <> coalesce(e.seq, 0)
  ) as differing_records`;

/** Consents to policies, each of which is one event's, that are not what it says. */
const policyConsents = `
  select count(*)::float8 as differing_policies
  from (
    select c.*, s.player_id, case when c.is_given then ${PolicyAnswer.yes} else ${PolicyAnswer.no} end as after
    from policy_consents c join subjects s on s.client_id = c.client_id and s.brand_id = c.brand_id
    where c.brand_id = $1 or $1::integer is null
  ) c
  full join (
    select *, detail ->> 'version' as version
    from consent_events where channel = ${recordChannel.policy} and (brand_id = $1 or $1::integer is null)
  ) e on e.act_id = c.id
  where (c.brand_id, c.player_id, c.seq, c.policy_id, c.version, c.after)
    is distinct from (e.brand_id, e.player_id, e.seq, e.target_id, e.version, e.after)`;

const evidence = `
  select count(*) filter (where v.salt is not null and sha256(v.salt || convert_to(v.evidence, 'UTF8')) <> e.evidence_hash)::float8
      as altered,
    count(*) filter (where v.salt is null)::float8 as erased
  from consent_events e
  left join event_evidence v on v.brand_id = e.brand_id and v.player_id = e.player_id and v.act_id = e.act_id
    and v.recorded_at = e.recorded_at
  where e.evidence_hash is not null and (e.brand_id = $1 or $1::integer is null)`;

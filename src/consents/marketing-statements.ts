import type { Statement } from '../database/database.js';
import { firstRecordChannel } from './channels.js';

/** What became of an item given to record_marketing_changes. */
export const Outcome = {
  applied: 0,
  unchanged: 1,
  stale: 2,
  excluded: 3,
  blocked: 4,
  withItsAct: 5,
} as const;

/** Parameters: brand, player ids. An exclusion whose time is over no longer counts, even before its end is written. */
export const findMarketingStates: Statement = {
  name: 'find_marketing_states',
  text: `
    select s.*
    from unnest($2::text[]) as u (player_id)
    cross join lateral (
      select player_id, email, sms, telephone, post_mail, site_notification, push_notification, chat, blocked,
        excluded and coalesce(excluded_until > now(), true) as excluded
      from marketing_states where brand_id = $1 and player_id = u.player_id collate "C" and is_player limit 1) s`,
};

/** Parameters: those of the function of the same name. */
export const recordMarketingChanges: Statement = {
  name: 'record_marketing_changes',
  text: `
    select item, outcome, player_id, email, sms, telephone, post_mail, site_notification, push_notification, chat,
      excluded, blocked
    from record_marketing_changes($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
};

/** Parameters: brand, player, sequence to stay below, limit. Newest first. */
export const listConsentEvents: Statement = {
  name: 'list_consent_events',
  text: `
    select e.seq, e.channel, e.kind, e.before, e.after, e.actor, e.source, e.occurred_at, e.recorded_at, e.detail, v.evidence,
      e.evidence_hash is not null as has_evidence
    from consent_events e
    left join event_evidence v on v.brand_id = e.brand_id and v.player_id = e.player_id and v.act_id = e.act_id
      and v.recorded_at = e.recorded_at
    where e.brand_id = $1 and e.player_id = $2 and e.seq < $3 and e.channel < ${firstRecordChannel}
    order by e.seq desc limit $4`,
};

/** Parameters: brand, player, instant. The last event of each channel and block by then. */
export const findEventsAt: Statement = {
  name: 'find_consent_events_at',
  text: `
    select distinct on (channel) channel, seq, after, detail
    from consent_events where brand_id = $1 and player_id = $2 and occurred_at <= $3 and channel < ${firstRecordChannel}
    order by channel, seq desc`,
};

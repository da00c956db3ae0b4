import type { QueryResultRow } from 'pg';

/** Whatever can run a statement past the service, such as a TestApp. */
export interface LedgerReader {
  sql<Row extends QueryResultRow>(text: string): Promise<Row[]>;
}

const columns = ['email', 'sms', 'telephone', 'post_mail', 'site_notification', 'push_notification', 'chat'];

/**
 * What is wrong with the ledger as a whole, one line each; empty when every chain holds: numbers without gaps, before = the
 * after before it, and each state the sum of its events.
 */
export async function findLedgerFaults(app: LedgerReader): Promise<string[]> {
  const list = async (text: string) => (await app.sql<{ fault: string }>(text)).map(({ fault }) => fault);
  const gaps = await list(`
    select format('%s: %s events, numbered %s to %s', player_id, count(*), min(seq), max(seq)) as fault
    from consent_events group by brand_id, player_id having count(*) <> max(seq) or min(seq) <> 1`);
  const broken = await list(`
    select format('%s:%s channel %s: before %s, but after %s before it', player_id, seq, channel, before, previous) as fault
    from (select *, lag(after, 1, 0) over (partition by brand_id, player_id, channel, target_id order by seq) as previous from consent_events) e
    where before <> previous`);
  const idle = await list(`
    select format('%s:%s changes nothing', player_id, seq) as fault from consent_events where before = after and kind not in (4, 7) and channel < 30`);
  const counted = await list(`
    select format('%s: state at %s, last event %s', s.player_id, s.seq, coalesce(max(e.seq), 0)) as fault
    from marketing_states s left join consent_events e using (brand_id, player_id)
    group by s.brand_id, s.player_id, s.seq having s.seq <> coalesce(max(e.seq), 0)`);
  const subjects = await list(`
    select format('%s: subject at %s, last event %s', s.player_id, s.seq, coalesce(max(e.seq), 0)) as fault
    from subjects s left join consent_events e using (brand_id, player_id)
    where s.player_id like '~%' group by s.brand_id, s.player_id, s.seq having s.seq <> coalesce(max(e.seq), 0)`);
  const records = await list(`
    select format('%s: record %s at %s of level %s, last event %s of level %s', u.client_id, u.id, u.seq, u.level, e.seq, e.after) as fault
    from universal_consents u
    left join lateral (select seq, after from consent_events where channel = 30 and target_id = u.id order by seq desc limit 1) e on true
    where (u.seq, u.level::integer) is distinct from (e.seq, e.after)`);
  const policies = await list(`
    select format('%s:%s of policy %s: version %s, given %s, but the event says version %s, %s', coalesce(c.player_id, e.player_id),
      coalesce(c.seq, e.seq), c.policy_id, c.version, c.is_given, e.detail ->> 'version', e.after) as fault
    from (select c.*, s.player_id from policy_consents c join subjects s using (client_id)) c
    full join (select * from consent_events where channel = 31) e on e.act_id = c.id
    where (c.player_id, c.seq, c.policy_id, c.version, c.created_at, case when c.is_given then 2 else 1 end)
      is distinct from (e.player_id, e.seq, e.target_id, e.detail ->> 'version', e.recorded_at, e.after)`);
  const owners = await list(`
    select format('%s: consent to a policy stands under %s, not under %s', s.player_id, c.subject_id, coalesce(s.linked_to, s.client_id)) as fault
    from policy_consents c join subjects s using (client_id) where c.subject_id <> coalesce(s.linked_to, s.client_id)`);
  const last = (channel: number) => `
    coalesce((select after from consent_events e where e.brand_id = s.brand_id and e.player_id = s.player_id and channel = ${channel}
      order by seq desc limit 1), 0)`;
  const folds = columns.map((column, index) => [column, index + 1, `s.${column}`] as const);
  const blocks = [
    ['excluded', 20, 's.excluded::integer'],
    ['blocked', 21, 's.blocked::integer'],
  ] as const;
  const unequal = [];
  for (const [column, channel, value] of [...folds, ...blocks]) {
    unequal.push(
      ...(await list(`
        select format('%s: ${column} is %s, its last event says %s', player_id, ${value}, ${last(channel)}) as fault
        from marketing_states s where ${value} <> ${last(channel)}`)),
    );
  }
  const strayEvidence = await list(`
    select format('%s: evidence of no event', player_id) as fault from event_evidence v
    where not exists (select from consent_events e where e.brand_id = v.brand_id and e.player_id = v.player_id and e.act_id = v.act_id)`);
  const unbound = await list(`
    select format('%s:%s is not bound to its evidence', e.player_id, e.seq) as fault
    from consent_events e join event_evidence v using (brand_id, player_id, act_id, recorded_at)
    where e.evidence_hash is distinct from sha256(v.salt || convert_to(v.evidence, 'UTF8'))`);
  return [
    ...gaps,
    ...broken,
    ...idle,
    ...counted,
    ...subjects,
    ...records,
    ...policies,
    ...owners,
    ...unequal,
    ...strayEvidence,
    ...unbound,
  ];
}

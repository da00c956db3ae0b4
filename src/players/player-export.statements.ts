import { recordChannel } from '../consents/channels.js';
import { Namespace } from '../consents/subjects.service.js';
import { Lane } from '../delivery/outbox-kinds.js';
import { eventTypes } from './player-events.service.js';

const eventTypeName = `(array['${eventTypes.join(`', '`)}'])[e.type]`;

/*
 * What is kept of a player, a statement for each kind of it; columns have the names under which they are printed. Parameters
 * of all: brand, player. Secrets, even as digests, are in none.
 */

export const readProfile = `
  select p.origin, p.currency, p.b_tag as "bTag", p.test_account as "testAccount", p.has_details as "hasDetails",
    p.first_name as "firstName", p.last_name as "lastName", to_char(p.birth_on, 'YYYY-MM-DD') as birthdate, p.gender, p.language,
    p.country, p.city, p.address, p.zip_postal_code as "zipPostalCode", p.phone,
    p.pending_mobile_number as "pendingMobileNumber", p.is_mobile_verification_on as "mobileVerificationRequired",
    p.is_mobile_verified as "mobileVerified", p.mobile_verification_changed_at,
    p.mobile_verification_changed_by as "mobileVerificationChangedBy", p.created_at, p.updated_at
  from players p where p.brand_id = $1 and p.player_id = $2`;

export const readCredentials = `
  select c.username, c.email, c.email_verified_at, c.is_password_temporary as "temporaryPassword", c.password_changed_at,
    c.is_2fa_required as "is2faRequired", c.reality_check as "realityCheck", c.registered_at,
    c.signed_opt_out as "signedOptOut", c.bonus_code as "bonusCode", c.affiliate_parameter as "affiliateParameter"
  from player_credentials c where c.brand_id = $1 and c.player_id = $2`;

export const readConsentTimes = `
  select s.email, s.sms, s.telephone, s.post_mail, s.site_notification, s.push_notification, s.chat, s.blocked,
    s.excluded and coalesce(s.excluded_until > now(), true) as excluded, s.excluded_until,
    coalesce(b.excluded_note, '') as excluded_note, coalesce(b.blocked_note, '') as blocked_note,
    s.email_set_at, s.sms_set_at, s.telephone_set_at, s.post_mail_set_at, s.site_notification_set_at,
    s.push_notification_set_at, s.chat_set_at
  from marketing_states s left join player_blocks b on b.brand_id = s.brand_id and b.player_id = s.player_id
  where s.brand_id = $1 and s.player_id = $2 and s.is_player`;

export const readCustomFields = `
  select f.id, f.name, f.type, v.text_value, v.int_value
  from player_custom_fields v join custom_fields f on f.brand_id = v.brand_id and f.id = v.field_id
  where v.brand_id = $1 and v.player_id = $2 order by f.position, f.id`;

export const readChanges = `
  select c.id, c.field, c.before, c.after, c.actor, c.operator, c.comment, c.changed_at
  from player_changes c where c.brand_id = $1 and c.player_id = $2 order by c.id`;

/** When the form of marketing preferences was answered, and to which words. */
export const readMarketingForm = `
  select a.asked_at as answered_at, a.statement_version as "textVersion", a.language, a.source
  from marketing_asks a where a.brand_id = $1 and a.player_id = $2`;

export const readSessions = `
  select s.id, s.created_at, s.seen_at, s.expires_at, s.ended_at
  from sessions s where s.brand_id = $1 and s.player_id = $2 order by s.created_at, s.id`;

export const readActivity = `
  select a.marketing_segmentation as "marketingSegmentation", a.tag_status, a.deposit_count, a.vip_level, p.vip_level as "vipLevelNumber",
    a.average_deposit, a.billboard, a.segmentation_id, a.max_balance as "maxBalance", a.ut as "UT", a.decline,
    a.vip_segment as "VIP_segment", a.total_balance, a.pending_withdrawal, a.total_withdrawals, a.last_bet_at as last_bet,
    a.last_deposit_at as last_deposit, a.last_deposit_amount, a.player_id_link as "playerIdLink", a.bonus_opt_out as "bonusOptOut",
    a.real_balance, a.free_traffic as "freeTraffic", a.deposits_amount as "depositsAmount", a.bonus_balance as "bonusBalance",
    a.max_win as "maxWin", a.wagering_balance as "wageringBalance", a.wagering_complete as "wageringComplete", a.rounds, a.bets, a.wins,
    a.checked_at
  from player_activity a left join players p on p.brand_id = a.brand_id and p.player_id = a.player_id
  where a.brand_id = $1 and a.player_id = $2`;

export const readPlay = `
  select e.id, ${eventTypeName} as type, e.amount, e.at, e.data, e.recorded_at
  from player_events e where e.brand_id = $1 and e.player_id = $2 order by e.at, e.id`;

export const readGames = `
  select g.game_id, g.created_at, g.login_at, g.expires_at, g.ended_at
  from game_sessions g where g.brand_id = $1 and g.player_id = $2 order by g.created_at`;

export const readCodes = `
  select c.number, c.created_at, c.expires_at, c.ended_at
  from player_codes c where c.brand_id = $1 and c.player_id = $2 order by c.id`;

export const readLinks = `
  select l.purpose, l.address, l.comment, l.created_at, l.expires_at, l.ended_at
  from player_links l where l.brand_id = $1 and l.player_id = $2 order by l.id`;

/** Mails and text messages that have not left, parked ones too. */
export const readMessages = ['o.parked_at is null and o.delivered_at is null', 'o.parked_at is not null']
  .map(
    (waiting) => `
      select o.kind, o.detail ->> 'to' as "to", coalesce(o.detail ->> 'template', o.detail ->> 'message') as template, o.created_at
      from outbox o where o.brand_id = $1 and o.player_id = $2 and o.lane in (${Lane.mail}, ${Lane.sms}) and ${waiting}`,
  )
  .join(' union all ')
  .concat(' order by created_at');

/** The player as a subject, and whoever turned out to be it. Whoever claims to be the player is somebody else. */
const subjects = `
  with own as materialized (
    select s.client_id, s.player_id from subjects s
    where s.brand_id = $1 and s.namespace = ${Namespace.operator} and s.custom_user_id = $2
  ), linked as materialized (
    select client_id, player_id from own
    union all
    select l.client_id, l.player_id from own join subjects l on l.linked_to = own.client_id where l.brand_id + 0 = $1
  )`;

export const readUniversalConsents = `${subjects}
  select u.id, upper(encode(u.client_id, 'hex')) as "clientId", u.reference, u.consent_type as "consentType", u.level, u.uri,
    u.metadata, u.created_at, u.updated_at, u.ip, u.user_agent as "userAgent", u.city, u.state, u.country
  from linked l join universal_consents u on u.client_id = l.client_id where u.brand_id + 0 = $1
  order by u.created_at, u.id`;

export const readPolicyConsents = `${subjects}
  select c.id, upper(encode(c.client_id, 'hex')) as "clientId", c.policy_id as "policyId", p.type as "policyType", c.version,
    c.language, c.is_given as given, c.created_at, c.uri, c.ip, c.user_agent as "userAgent", c.city, c.state, c.country
  from linked l join policy_consents c on c.subject_id = l.client_id join policies p on p.id = c.policy_id
  where c.brand_id + 0 = $1 and p.brand_id + 0 = $1 order by c.created_at, c.id`;

/** Every event of the player and of whoever turned out to be it. */
export const readEvents = `${subjects}
  select e.player_id, e.seq, e.channel, e.kind, e.before, e.after, e.actor, e.source, e.occurred_at, e.recorded_at, e.detail,
    v.evidence, e.evidence_hash is not null as has_evidence,
    coalesce(u.reference, p.id::text) as reference, coalesce(u.consent_type, p.type) as consent_type
  from (select $2::text collate "C" as player_id union select l.player_id from linked l) s
  join consent_events e on e.brand_id = $1 and e.player_id = s.player_id
  left join event_evidence v on v.brand_id = e.brand_id and v.player_id = e.player_id and v.act_id = e.act_id
    and v.recorded_at = e.recorded_at
  left join universal_consents u on e.channel = ${recordChannel.universal} and u.id = e.target_id and u.brand_id + 0 = e.brand_id
  left join policies p on e.channel = ${recordChannel.policy} and p.id = e.target_id and p.brand_id + 0 = e.brand_id
  order by e.recorded_at, e.player_id, e.seq`;

import type { Consent } from '../consents/marketing-state.js';
import type { TimelineEvent } from '../consents/timeline-event.js';
import type { ConsentLevelName } from '../consents/universal/universal-record.js';
import type { OutboxKindName } from '../delivery/outbox-kinds.js';
import type { CustomFieldView } from './custom-fields.service.js';

/** What is known of a player as a person. */
export interface ExportedProfile {
  origin: string | null;
  currency: string | null;
  bTag: string | null;
  testAccount: boolean;
  hasDetails: boolean;
  firstName: string | null;
  lastName: string | null;
  /** YYYY-MM-DD. */
  birthdate: string | null;
  gender: string | null;
  language: string | null;
  country: string | null;
  city: string | null;
  address: string | null;
  zipPostalCode: string | null;
  phone: string | null;
  pendingMobileNumber: string | null;
  mobileVerificationRequired: boolean;
  mobileVerified: boolean;
  mobile_verification_changed_at: Date | null;
  mobileVerificationChangedBy: string | null;
  created_at: Date;
  updated_at: Date;
}

/** How a player logs in; the password is kept as a hash alone, which is nobody's data. */
export interface ExportedCredentials {
  username: string | null;
  email: string | null;
  email_verified_at: Date | null;
  temporaryPassword: boolean;
  password_changed_at: Date | null;
  is2faRequired: boolean;
  realityCheck: string;
  registered_at: Date | null;
  signedOptOut: boolean | null;
  bonusCode: string | null;
  affiliateParameter: string | null;
}

/** Whether a player is in on a channel, and when that was last said. */
export interface ExportedConsent extends Consent {
  set_at: Date | null;
}

/** That a player answered the form of marketing preferences, and to which words. */
export interface ExportedMarketingForm {
  answered_at: Date;
  textVersion: string;
  language: string;
  source: string;
}

export interface ExportedBlocks {
  excluded: { active: boolean; note: string; until: Date | null };
  blocked: { active: boolean; note: string };
}

/** Where something came from. */
export interface ExportedOrigin {
  uri: string | null;
  ip: string | null;
  userAgent: string | null;
  city: string | null;
  state: string | null;
  country: string | null;
}

export interface ExportedUniversalConsent extends ExportedOrigin {
  id: string;
  clientId: string;
  reference: string;
  consentType: string;
  level: ConsentLevelName;
  metadata: string | null;
  created_at: Date;
  updated_at: Date;
}

export interface ExportedPolicyConsent extends ExportedOrigin {
  id: string;
  clientId: string;
  policyId: string;
  policyType: string;
  version: string;
  language: string;
  given: boolean;
  created_at: Date;
}

export interface ExportedChange {
  id: string;
  field: string;
  before: string | null;
  after: string | null;
  actor: string;
  operator: string | null;
  comment: string | null;
  changed_at: Date;
}

export interface ExportedSession {
  id: string;
  created_at: Date;
  seen_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** A code that went to a number. */
export interface ExportedCode {
  number: string;
  created_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** A link that was mailed, and the e-mail address that it is about. */
export interface ExportedLink {
  purpose: string;
  address: string;
  comment: string | null;
  created_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** The figures that the operator's platform told; amounts in minor units, as texts. */
export interface ExportedActivity {
  marketingSegmentation: string | null;
  tag_status: number | null;
  deposit_count: number | null;
  vip_level: string | null;
  vipLevelNumber: number | null;
  average_deposit: string | null;
  billboard: string | null;
  segmentation_id: number | null;
  maxBalance: string | null;
  UT: number | null;
  decline: string | null;
  VIP_segment: number | null;
  total_balance: string | null;
  pending_withdrawal: string | null;
  total_withdrawals: string | null;
  last_bet: Date | null;
  last_deposit: Date | null;
  last_deposit_amount: string | null;
  playerIdLink: string | null;
  bonusOptOut: number | null;
  real_balance: string | null;
  freeTraffic: boolean | null;
  depositsAmount: string | null;
  bonusBalance: string | null;
  maxWin: string | null;
  wageringBalance: string | null;
  wageringComplete: string | null;
  rounds: string;
  bets: string;
  wins: string;
  checked_at: Date | null;
}

/** Something that the player did with money; the amount in minor units. */
export interface ExportedPlay {
  id: string;
  type: string;
  amount: string;
  at: Date;
  data: object | null;
  recorded_at: Date;
}

/** A game that the player had open. */
export interface ExportedGame {
  game_id: string;
  created_at: Date;
  login_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** A mail or text message that has not left. */
export interface ExportedMessage {
  kind: OutboxKindName;
  to: string | null;
  template: string | null;
  created_at: Date;
}

/** Everything that is kept of a player, at one instant. */
export interface PlayerExport {
  exportedAt: Date;
  profile: ExportedProfile | null;
  credentials: ExportedCredentials | null;
  consents: ExportedConsent[];
  /** Null: the form was never answered. */
  marketingForm: ExportedMarketingForm | null;
  blocks: ExportedBlocks;
  customFields: CustomFieldView[];
  universalConsents: ExportedUniversalConsent[];
  policyConsents: ExportedPolicyConsent[];
  events: TimelineEvent[];
  changes: ExportedChange[];
  sessions: ExportedSession[];
  codes: ExportedCode[];
  links: ExportedLink[];
  activity: ExportedActivity | null;
  play: ExportedPlay[];
  games: ExportedGame[];
  messages: ExportedMessage[];
}

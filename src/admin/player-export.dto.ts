import { ApiProperty } from '@nestjs/swagger';
import { customFieldTypes } from '../database/entities/custom-field.entity.js';
import type { PlayerExport } from '../players/player-export.js';

/** What is known of the player as a person. */
export class ExportedProfileDto {
  origin: string | null;
  currency: string | null;
  bTag: string | null;
  testAccount: boolean;
  hasDetails: boolean;
  firstName: string | null;
  lastName: string | null;
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

export class ExportedCredentialsDto {
  username: string | null;
  email: string | null;
  email_verified_at: Date | null;
  temporaryPassword: boolean;
  password_changed_at: Date | null;
  is2faRequired: boolean;
  realityCheck: string;
  registered_at: Date | null;

  /** What registration said of marketing. */
  signedOptOut: boolean | null;

  /** What came with registration, as it was sent. */
  bonusCode: string | null;
  affiliateParameter: string | null;
}

export class ExportedConsentDto {
  channel: string;
  optedIn: boolean;

  /** Only where the consent is limited to some. */
  products?: string[];

  /** When it was last said; null: never. */
  set_at: Date | null;
}

/** When the form of marketing preferences was last answered, and to which words. */
export class ExportedMarketingFormDto {
  answered_at: Date;

  /** @example default-1 */
  textVersion: string;

  language: string;

  /** The door. */
  source: string;
}

export class ExportedExclusionDto {
  active: boolean;
  note: string;
  until: Date | null;
}

export class ExportedBlockDto {
  active: boolean;
  note: string;
}

export class ExportedBlocksDto {
  excluded: ExportedExclusionDto;
  blocked: ExportedBlockDto;
}

export class ExportedCustomFieldDto {
  id: string;
  name: string;

  @ApiProperty({ enum: customFieldTypes })
  type: string;

  @ApiProperty({ oneOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] })
  value: string | number | null;
}

export class ExportedOriginDto {
  uri: string | null;
  ip: string | null;
  userAgent: string | null;
  city: string | null;
  state: string | null;
  country: string | null;
}

export class ExportedUniversalConsentDto extends ExportedOriginDto {
  id: string;
  clientId: string;
  reference: string;
  consentType: string;
  level: string;
  metadata: string | null;
  created_at: Date;
  updated_at: Date;
}

export class ExportedPolicyConsentDto extends ExportedOriginDto {
  id: string;
  clientId: string;
  policyId: string;
  policyType: string;
  version: string;
  language: string;
  given: boolean;
  created_at: Date;
}

/** A change of a consent or a block. */
export class ExportedEventDto {
  id: string;
  type: string;
  kind: string;
  channel: string | null;
  reference: string | null;
  consentType: string | null;
  policy: Record<string, unknown> | null;
  before: Record<string, unknown> | null;
  after: Record<string, unknown>;
  actor: string;
  source: string;
  occurred_at: Date;
  recorded_at: Date;
  evidence: Record<string, unknown> | null;
}

export class ExportedChangeDto {
  id: string;
  field: string;
  before: string | null;
  after: string | null;
  actor: string;
  operator: string | null;
  comment: string | null;
  changed_at: Date;
}

export class ExportedSessionDto {
  id: string;
  created_at: Date;
  seen_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** A code that went to a number. */
export class ExportedCodeDto {
  number: string;
  created_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** A link that was mailed, and the e-mail address that it is about. */
export class ExportedLinkDto {
  purpose: string;
  address: string;
  comment: string | null;
  created_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** The figures that the operator's platform told; amounts in minor units of the player's currency, as texts. */
export class ExportedActivityDto {
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

  /** Bets of all time, how many they were and what they came to, and wins. */
  rounds: string;
  bets: string;
  wins: string;

  /** When the player was last told how long it has played. */
  checked_at: Date | null;
}

/** Something that the player did with money; the amount in minor units. */
export class ExportedPlayDto {
  id: string;
  type: string;
  amount: string;
  at: Date;

  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  data: object | null;

  recorded_at: Date;
}

/** A game that the player had open. */
export class ExportedGameDto {
  game_id: string;
  created_at: Date;
  login_at: Date;
  expires_at: Date;
  ended_at: Date | null;
}

/** A mail or text message that has not left. */
export class ExportedMessageDto {
  kind: string;
  to: string | null;
  template: string | null;
  created_at: Date;
}

/** Everything that is kept of a player, at one instant. */
export class PlayerExportDto {
  /** @example 1001 */
  player_id: string;

  exported_at: Date;
  profile: ExportedProfileDto | null;
  credentials: ExportedCredentialsDto | null;
  consents: ExportedConsentDto[];
  marketingForm: ExportedMarketingFormDto | null;
  blocks: ExportedBlocksDto;
  customFields: ExportedCustomFieldDto[];
  universalConsents: ExportedUniversalConsentDto[];
  policyConsents: ExportedPolicyConsentDto[];
  events: ExportedEventDto[];
  changes: ExportedChangeDto[];
  sessions: ExportedSessionDto[];
  codes: ExportedCodeDto[];
  links: ExportedLinkDto[];
  activity: ExportedActivityDto | null;

  /** Of the last 90 days. */
  play: ExportedPlayDto[];

  games: ExportedGameDto[];
  messages: ExportedMessageDto[];
}

/** Everything that is kept of a player. The parts are read column by column, so that they are printed as they are. */
export function toPlayerExportDto(playerId: string, all: PlayerExport): PlayerExportDto {
  return {
    player_id: playerId,
    exported_at: all.exportedAt,
    profile: all.profile,
    credentials: all.credentials,
    consents: all.consents,
    marketingForm: all.marketingForm,
    blocks: all.blocks,
    customFields: all.customFields,
    universalConsents: all.universalConsents,
    policyConsents: all.policyConsents,
    events: all.events.map(toEventDto),
    changes: all.changes,
    sessions: all.sessions,
    codes: all.codes,
    links: all.links,
    activity: all.activity,
    play: all.play,
    games: all.games,
    messages: all.messages,
  };
}

function toEventDto(event: PlayerExport['events'][number]): ExportedEventDto {
  return {
    id: event.id,
    type: event.type,
    kind: event.kind,
    channel: event.channel,
    reference: event.reference,
    consentType: event.consentType,
    policy: event.policy && { ...event.policy },
    before: event.before && { ...event.before },
    after: { ...event.after },
    actor: event.actor,
    source: event.source,
    occurred_at: event.occurredAt,
    recorded_at: event.recordedAt,
    evidence: event.evidence,
  };
}

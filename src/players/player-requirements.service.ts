import { Injectable } from '@nestjs/common';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Coalescer } from '../common/coalescer.js';
import { MarketingGridService } from '../consents/marketing-grid.service.js';
import { PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { PolicyConsentsService } from '../consents/policies/policy-consents.service.js';
import { SubjectsService } from '../consents/subjects.service.js';
import { Database } from '../database/database.js';

/** What a player may have to do before anything else, in the order it is asked for. */
export const requirementCodes = [
  'PASSWORD_CHANGE_REQUIRED',
  'INCOMPLETE_REGISTRATION',
  'TNC_APPROVAL_REQUIRED',
  'PRIVACY_APPROVAL_REQUIRED',
  'EMAIL_NOT_VERIFIED',
] as const;
export type RequirementCode = (typeof requirementCodes)[number];

/** What a site is to offer a player, which never stands in the way of anything. */
export const playerActions = ['marketing_preferences'] as const;
export type PlayerAction = (typeof playerActions)[number];

/** The policies that players accept. */
export type AcceptedPolicy = 'TermsOfService' | 'Privacy';

/** What of a player the requirements depend on. */
export interface PlayerFacts {
  is_password_temporary: boolean;
  has_details: boolean;
  is_email_verified: boolean;
}

interface PlayerKey {
  brandId: number;
  playerId: string;
}

/** Parameters: brands and players, a pair each. A row for each pair, in their order. */
const findFacts = {
  name: 'find_player_requirement_facts',
  text: `
    select coalesce(c.is_password_temporary, false) as is_password_temporary,
      coalesce(p.has_details, false) as has_details, c.email_verified_at is not null as is_email_verified
    from unnest($1::integer[], $2::text[]) with ordinality as k (brand_id, player_id, place)
    left join lateral (
      select x.has_details from players x
      where x.brand_id = k.brand_id and x.player_id = k.player_id collate "C" limit 1) p on true
    left join lateral (
      select x.is_password_temporary, x.email_verified_at from player_credentials x
      where x.brand_id = k.brand_id and x.player_id = k.player_id collate "C" limit 1) c on true
    order by k.place`,
};

/** What a player has to do before anything else, and what it is to be offered. */
@Injectable()
export class PlayerRequirementsService {
  private readonly reads = new Coalescer<PlayerKey, PlayerFacts>(
    (keys) =>
      this.database.prepared<PlayerFacts>(findFacts, [
        keys.map(({ brandId }) => brandId),
        keys.map(({ playerId }) => playerId),
      ]),
    { maxItems: 200, maxRuns: 4 },
  );

  constructor(
    private readonly database: Database,
    private readonly policies: PolicyCatalogue,
    private readonly consents: PolicyConsentsService,
    private readonly subjects: SubjectsService,
    private readonly grid: MarketingGridService,
  ) {}

  /** Everything that is open, the most pressing first, and what else the player is to be offered at log-in. */
  async find(
    brand: BrandSettings,
    playerId: string,
  ): Promise<{ codes: RequirementCode[]; actions: PlayerAction[] }> {
    const [codes, isToBeAsked] = await Promise.all([
      this.findCodes(brand, playerId),
      this.grid.isToBeAsked(brand.id, playerId),
    ]);
    return { codes, actions: isToBeAsked ? ['marketing_preferences'] : [] };
  }

  /** Everything that is open, the most pressing first. `known` is of the player, where it has been read already. */
  async findCodes(
    brand: BrandSettings,
    playerId: string,
    known?: Readonly<PlayerFacts>,
  ): Promise<RequirementCode[]> {
    const [facts, lacksTerms, lacksPrivacy] = await Promise.all([
      known ?? this.reads.add({ brandId: brand.id, playerId }),
      this.lacks(brand.id, playerId, 'TermsOfService'),
      this.lacks(brand.id, playerId, 'Privacy'),
    ]);
    const isOpen: Record<RequirementCode, boolean> = {
      PASSWORD_CHANGE_REQUIRED: facts.is_password_temporary,
      INCOMPLETE_REGISTRATION: !facts.has_details,
      TNC_APPROVAL_REQUIRED: lacksTerms,
      PRIVACY_APPROVAL_REQUIRED: lacksPrivacy,
      EMAIL_NOT_VERIFIED: brand.facts.emailVerificationRequired && !facts.is_email_verified,
    };
    return requirementCodes.filter((code) => isOpen[code]);
  }

  /** Whether a version of the policy is in force that the player has yet to accept. */
  async lacks(brandId: number, playerId: string, type: AcceptedPolicy): Promise<boolean> {
    const policy = await this.policies.findBrandPolicy(brandId, type);
    if (!policy || this.policies.countsSince(policy) === null) return false;
    const { clientId } = this.subjects.derive(brandId, playerId, true);
    const { is_given: isGiven } = await this.consents.isGiven(policy, clientId, null);
    return isGiven !== true;
  }
}

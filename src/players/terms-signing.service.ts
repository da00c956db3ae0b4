import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Fingerprint } from '../auth/fingerprint.service.js';
import { PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { PolicyConsentsService } from '../consents/policies/policy-consents.service.js';
import type { AcceptedPolicy } from './player-requirements.service.js';

const noMobileFields = {
  clientSessionId: null,
  deviceManufacturer: null,
  sdkVersion: null,
  osVersion: null,
  mobileApplicationId: null,
};

/** What players sign at the gateway: consents to policies, in their own words. */
@Injectable()
export class TermsSigningService {
  constructor(
    private readonly policies: PolicyCatalogue,
    private readonly consents: PolicyConsentsService,
  ) {}

  /**
   * Records that the player accepts the version in force, in the caller's transaction if there is one; false where nothing of the
   * type is in force.
   */
  async sign(
    player: { brandId: number; playerId: string },
    type: AcceptedPolicy,
    language: string,
    fingerprint: Fingerprint,
    manager?: EntityManager,
  ): Promise<boolean> {
    const policy = await this.policies.findBrandPolicy(player.brandId, type);
    if (!policy || this.policies.countsSince(policy) === null) return false;
    const act = {
      policy,
      isGiven: true,
      version: null,
      language,
      customUserId: player.playerId,
      isOperator: true,
      clientId: null,
      uri: fingerprint.origin,
      domainId: null,
      mobile: noMobileFields,
      actor: 'player',
      source: 'gateway',
      fingerprint,
    };
    await this.consents.record(act, manager);
    return true;
  }
}

import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FingerprintService } from '../auth/fingerprint.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError } from '../common/errors.js';
import { PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { PlayerRequirementsService } from '../players/player-requirements.service.js';
import { TermsSigningService } from '../players/terms-signing.service.js';
import type { GatewaySession } from './gateway.guard.js';
import { findMessageFormat } from './message-formats.js';
import { type SignTermsDto, type TermsDocumentDto, type TermsType, termsTypes } from './terms.dto.js';

const prompts = { tnc: 'tnc_approval_required', privacy: 'privacy_approval_required' } as const;

/** The terms and the privacy policy as players meet them: the policy-consent module's documents and records. */
@Injectable()
export class TermsService {
  constructor(
    private readonly policies: PolicyCatalogue,
    private readonly signing: TermsSigningService,
    private readonly requirements: PlayerRequirementsService,
    private readonly fingerprints: FingerprintService,
  ) {}

  /**
   * Records that the player accepts the version in force. Answers whether nothing is left to sign after it: false for terms that
   * were signed while the privacy policy is still unsigned. unauthorized for another player than the session's, invalid_input where
   * nothing of the type is in force.
   */
  async sign(
    { brand, playerId }: GatewaySession,
    { player_id: signer, type, language }: SignTermsDto,
    request: FastifyRequest,
  ): Promise<boolean> {
    if (signer !== playerId) throw new AppError('unauthorized');
    const fingerprint = this.fingerprints.read(request, brand.storeFullIp);
    const player = { brandId: brand.id, playerId };
    const isSigned = await this.signing.sign(player, termsTypes[type], language, fingerprint);
    if (!isSigned) throw new AppError('invalid_input');
    return type === 'privacy' || !(await this.requirements.lacks(brand.id, playerId, 'Privacy'));
  }

  /** The current document; not_found where nothing of the type is in force. */
  async readDocument(brand: BrandSettings, type: TermsType, language: string): Promise<TermsDocumentDto> {
    const policy = await this.policies.findBrandPolicy(brand.id, termsTypes[type]);
    if (!policy) throw new AppError('not_found');
    const current = this.policies.getCurrent(policy);
    const text = await this.policies.getText(policy, current, language);
    return {
      language: text.language,
      prompt: findMessageFormat(brand, prompts[type], text.language)?.content ?? '',
      version: current.version,
      body: text.html,
    };
  }
}

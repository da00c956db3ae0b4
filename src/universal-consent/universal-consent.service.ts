import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { FingerprintService } from '../auth/fingerprint.service.js';
import type { ClientPrincipal, Principal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { IntegrationsService } from '../brands/integrations.service.js';
import { AppError, invalidField } from '../common/errors.js';
import { parseClientId } from '../consents/subjects.service.js';
import { UniversalConsentsService } from '../consents/universal/universal-consents.service.js';
import {
  levelName,
  toRecordView,
  type UniversalRecord,
  type UniversalRecordView,
} from '../consents/universal/universal-record.js';
import { IdempotencyService } from '../database/idempotency.service.js';
import {
  type ChangeConsentDto,
  type ConsentGivenDto,
  type ConsentGivenQuery,
  type RecordConsentDto,
  type RecordedConsentDto,
  toRecordedDto,
} from './universal-consent.dto.js';

/** An answer, and whether it is that of an earlier request with the same Idempotency-Key. */
export interface Replayable<Answer> {
  answer: Answer;
  replayed: boolean;
}

interface Recording {
  brand: BrandSettings;
  /** A service client's word, or anybody's. */
  isOperator: boolean;
  actor: string;
  source: string;
}

/** The door of universal consent: who may do what to whose record, and how it is worded. */
@Injectable()
export class UniversalConsentService {
  constructor(
    private readonly consents: UniversalConsentsService,
    private readonly catalogue: BrandCatalogue,
    private readonly fingerprints: FingerprintService,
    private readonly idempotency: IdempotencyService,
    private readonly integrations: IntegrationsService,
  ) {}

  /** Records the operator's word. */
  async record(
    { brandId, clientId }: ClientPrincipal,
    body: RecordConsentDto,
    request: FastifyRequest,
  ): Promise<Replayable<RecordedConsentDto>> {
    const brand = await this.catalogue.get(brandId);
    const by = { brand, isOperator: true, actor: `client:${clientId}`, source: 'universalconsent' };
    return this.once(brandId, clientId, 'POST /api/universalconsent', request, (manager) =>
      this.recordBy(by, body, request, manager),
    );
  }

  /** Records what a page of a registered integration sends: anybody's word, unless a service client of the brand speaks. */
  async recordFromIntegration(
    caller: Principal | null,
    integrationId: string,
    body: RecordConsentDto,
    request: FastifyRequest,
  ): Promise<Replayable<RecordedConsentDto>> {
    const integration = await this.integrations.find(integrationId);
    if (!integration || (caller && caller.brandId !== integration.brandId))
      throw new AppError('not_found', 'there is no such integration');
    refuseOrigin(request.headers.origin, integration.origins);
    const { brandId, id } = integration;
    const brand = await this.catalogue.get(brandId);
    const isOperator = caller?.kind === 'client';
    if (isOperator && !caller.scopes.has('universal:write'))
      throw new AppError('forbidden', 'this credential lacks the scope universal:write');
    if (!isOperator && body.CustomUserId !== undefined && !brand.facts.webCustomUserId)
      throw invalidField(
        'CustomUserId',
        'CustomUserId is not taken without a credential: the brand does not allow it',
      );
    const actor = isOperator ? `client:${caller.clientId}` : `integration:${id}`;
    const by = { brand, isOperator, actor, source: 'integration' };
    const route = `POST /api/universalconsent/integration/${id}`;
    const sender = isOperator ? caller.clientId : this.fingerprints.callerName(request);
    return this.once(brandId, sender, route, request, (manager) => this.recordBy(by, body, request, manager));
  }

  /** Changes a record; not_found where there is none, or none of the caller's brand. */
  async change(
    caller: Principal | null,
    body: ChangeConsentDto,
    request: FastifyRequest,
  ): Promise<Replayable<UniversalRecordView>> {
    const { ConsentGiven: level, Metadata: metadata, Reference: reference } = body;
    if (level === undefined && metadata === undefined)
      throw invalidField(
        'ConsentGiven',
        'ConsentGiven or Metadata must be given: there is nothing to change',
      );
    const clientId = parseClientId(body.ClientId);
    const subject = clientId && (await this.consents.findSubject(clientId));
    if (!subject || (caller && caller.brandId !== subject.brandId)) throw noRecord();
    const { brandId } = subject;
    const brand = await this.catalogue.get(brandId);
    const client = caller?.kind === 'client' ? caller : null;
    const sender = client?.clientId ?? this.fingerprints.callerName(request, body.ClientId.toUpperCase());
    const act = {
      brandId,
      clientId: subject.clientId,
      reference,
      ...(level && { level }),
      ...(metadata !== undefined && { metadata }),
      actor: client ? `client:${client.clientId}` : 'subject',
      source: 'universalconsent',
      fingerprint: this.fingerprints.read(request, brand.storeFullIp),
    };
    return this.once(brandId, sender, 'PATCH /api/universalconsent', request, async (manager) => {
      const record = await this.consents.change(act, manager);
      if (!record) throw noRecord();
      return this.show(caller, record);
    });
  }

  /** The record of a reference, or the most recently updated; not_found where there is none, or none of the caller's brand. */
  async read(caller: Principal | null, text: string, reference?: string): Promise<UniversalRecordView> {
    const clientId = parseClientId(text);
    const record = clientId && (await this.consents.find(clientId, reference));
    if (!record || (caller && caller.brandId !== record.brandId)) throw noRecord();
    return this.show(caller, record);
  }

  /** What is consented to; not_found for a ClientId of another brand than the caller's. */
  async readLevel(caller: Principal | null, query: ConsentGivenQuery): Promise<ConsentGivenDto> {
    const clientId = Buffer.from(query.ClientId, 'hex');
    const { level, brand_id: brandId } = await this.consents.findLevel(clientId, query.Reference);
    if (caller) {
      const owner = brandId ?? (await this.consents.findSubject(clientId))?.brandId ?? caller.brandId;
      if (owner !== caller.brandId) throw noRecord();
    }
    return { ConsentGiven: levelName(level ?? 0) };
  }

  private async recordBy(
    { brand, isOperator, actor, source }: Recording,
    body: RecordConsentDto,
    request: FastifyRequest,
    manager?: EntityManager,
  ): Promise<RecordedConsentDto> {
    const fingerprint = this.fingerprints.read(request, brand.storeFullIp);
    const record = await this.consents.record(
      {
        brandId: brand.id,
        customUserId: body.CustomUserId ?? null,
        isOperator,
        reference: body.Reference,
        consentType: body.ConsentType,
        level: body.ConsentGiven,
        uri: body.URI ?? fingerprint.origin,
        metadata: body.Metadata ?? null,
        actor,
        source,
        fingerprint,
      },
      manager,
    );
    return toRecordedDto(record);
  }

  /** With an Idempotency-Key, a repeat gets the first answer without another effect. */
  private async once<Answer>(
    brandId: number,
    clientId: string,
    route: string,
    request: FastifyRequest,
    effect: (manager?: EntityManager) => Promise<Answer>,
  ): Promise<Replayable<Answer>> {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return { answer: await effect(), replayed: false };
    return this.idempotency.run({ brandId, clientId, route, key: String(key), body: request.body }, effect);
  }

  private show(caller: Principal | null, record: UniversalRecord): UniversalRecordView {
    return toRecordView(record, caller?.kind === 'client' && caller.scopes.has('universal:read'));
  }
}

function noRecord(): AppError {
  return new AppError('not_found', 'nothing is recorded for this ClientId and Reference');
}

/** A page elsewhere that has found the id may not use it; programs, which send no Origin, may. */
function refuseOrigin(origin: string | undefined, allowed: readonly string[]): void {
  if (origin === undefined || allowed.length === 0 || allowed.includes(origin)) return;
  throw new AppError('forbidden', 'this integration is not for pages of this origin');
}

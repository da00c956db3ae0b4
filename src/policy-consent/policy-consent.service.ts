import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FingerprintService } from '../auth/fingerprint.service.js';
import type { ClientPrincipal, Principal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { AppError, invalidField } from '../common/errors.js';
import { type KnownPolicy, PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { type PolicyAct, PolicyConsentsService } from '../consents/policies/policy-consents.service.js';
import { toPolicyRecordView } from '../consents/policies/policy-record.js';
import type { PolicyFilters } from '../consents/policies/policy-list.service.js';
import { printClientId } from '../consents/subjects.service.js';
import { IdempotencyService } from '../database/idempotency.service.js';
import {
  type MobilePolicyRecordDto,
  type PolicyConsentsQuery,
  type PolicyGivenDto,
  type PolicyGivenQuery,
  type PolicyRecordDto,
  type PolicyRecordQuery,
  type RecordedPolicyConsentDto,
  type RecordPolicyConsentDto,
  toMobileRecordDto,
} from './policy-consent.dto.js';

const mobileKeys = [
  'ClientSessionId',
  'DeviceManufacturer',
  'SDKVersion',
  'OSVersion',
  'MobileApplicationId',
] as const;
/** What goes with ClientId; anything else is the list's. */
const recordKeys = new Set(['ClientId', 'PolicyId', 'Version']);

/** The door of policy consent: who may say what of whom, and how it is worded. */
@Injectable()
export class PolicyConsentService {
  constructor(
    private readonly consents: PolicyConsentsService,
    private readonly policies: PolicyCatalogue,
    private readonly catalogue: BrandCatalogue,
    private readonly fingerprints: FingerprintService,
    private readonly idempotency: IdempotencyService,
  ) {}

  /** The policy of an id; not_found for an unknown one and for one of another brand than the caller's. */
  async getPolicy(caller: Principal | null, id: string): Promise<KnownPolicy> {
    const policy = await this.policies.find(id);
    if (!policy || (caller && caller.brandId !== policy.brandId)) throw noPolicy();
    return policy;
  }

  /** Records a consent from a page or, with any of an app's fields, from an app. */
  async record(
    caller: Principal | null,
    body: RecordPolicyConsentDto,
    request: FastifyRequest,
  ): Promise<{ answer: RecordedPolicyConsentDto; replayed: boolean }> {
    const isMobile = mobileKeys.some((key) => body[key] !== undefined);
    if (isMobile && !caller) throw new AppError('unauthorized');
    if (isMobile && caller?.kind !== 'client') throw new AppError('forbidden');
    if (caller?.kind === 'client' && !caller.scopes.has('policy:write'))
      throw new AppError('forbidden', 'this credential lacks the scope policy:write');
    const policy = await this.getPolicy(caller, body.PolicyId);
    const client = caller?.kind === 'client' ? caller : null;
    const act = await this.toAct(client, policy, body, request);
    const record = async (manager?: Parameters<PolicyConsentsService['record']>[1]) => {
      const { clientId, createdAt } = await this.consents.record(act, manager);
      return { Created: createdAt.toISOString(), ClientId: printClientId(clientId) };
    };
    const key = request.headers['idempotency-key'];
    if (key === undefined) return { answer: await record(), replayed: false };
    const sender = client?.clientId ?? this.fingerprints.callerName(request);
    return this.idempotency.run(
      {
        brandId: policy.brandId,
        clientId: sender,
        route: 'POST /api/policyconsent',
        key: String(key),
        body: request.body,
      },
      record,
    );
  }

  /** The newest record; not_found where there is none. */
  async read(caller: Principal | null, clientId: Buffer, query: PolicyRecordQuery): Promise<PolicyRecordDto> {
    const policy = await this.getPolicy(caller, query.PolicyId);
    const record = await this.consents.find(policy, clientId, query.Version ?? null);
    if (!record) throw noRecord();
    const shows = caller?.kind === 'client' && caller.scopes.has('policy:read');
    return toPolicyRecordView(record, shows);
  }

  /** Whether consent is given; not_found for a ClientId of another brand than the policy's. */
  async readGiven(caller: Principal | null, query: PolicyGivenQuery): Promise<PolicyGivenDto> {
    const policy = await this.getPolicy(caller, query.PolicyId);
    const clientId = Buffer.from(query.ClientId, 'hex');
    const row = await this.consents.isGiven(policy, clientId, query.Version ?? null);
    if (row.brand_id !== null && row.brand_id !== policy.brandId) throw noRecord();
    return { ConsentGiven: row.is_given === true };
  }

  /** The newest record as apps' back ends read it. */
  async readMobile(client: ClientPrincipal, query: PolicyConsentsQuery): Promise<MobilePolicyRecordDto> {
    for (const [key, value] of Object.entries(query))
      if (value !== undefined && !recordKeys.has(key))
        throw invalidField(key, `${key} does not go with ClientId: leave ClientId out to list`);
    if (query.PolicyId === undefined) throw invalidField('PolicyId', 'PolicyId must be given with ClientId');
    const policy = await this.getPolicy(client, query.PolicyId);
    const clientId = Buffer.from(query.ClientId ?? '', 'hex');
    const record = await this.consents.find(policy, clientId, query.Version ?? null);
    if (!record) throw noRecord();
    return toMobileRecordDto(policy, record);
  }

  /** The list's filters; not_found where they name a policy that the brand has not. */
  async toFilters(client: ClientPrincipal, query: PolicyConsentsQuery): Promise<PolicyFilters> {
    if (query.Version !== undefined)
      throw invalidField('Version', 'Version goes with ClientId: PolicyVersion filters the list');
    const policy = query.PolicyId === undefined ? null : await this.getPolicy(client, query.PolicyId);
    return {
      ...(policy && { policyId: policy.id }),
      ...(query.CustomUserId !== undefined && { customUserId: query.CustomUserId }),
      ...(query.ConsentGiven !== undefined && { isGiven: query.ConsentGiven === 'true' }),
      ...(query.PolicyVersion !== undefined && { version: query.PolicyVersion }),
      ...(query.MobileApplicationId !== undefined && { mobileApplicationId: query.MobileApplicationId }),
      ...(query.DeviceManufacturer !== undefined && { deviceManufacturer: query.DeviceManufacturer }),
      ...(query.SDKVersion !== undefined && { sdkVersion: query.SDKVersion }),
      ...(query.OSVersion !== undefined && { osVersion: query.OSVersion }),
      ...(query.DomainId !== undefined && { domainId: query.DomainId }),
    };
  }

  private async toAct(
    client: ClientPrincipal | null,
    policy: KnownPolicy,
    body: RecordPolicyConsentDto,
    request: FastifyRequest,
  ): Promise<PolicyAct> {
    const brand = await this.catalogue.get(policy.brandId);
    if (!client && body.CustomUserId !== undefined && !brand.facts.webCustomUserId)
      throw invalidField(
        'CustomUserId',
        'CustomUserId is not taken without a credential: the brand does not allow it',
      );
    const fingerprint = this.fingerprints.read(request, brand.storeFullIp);
    return {
      policy,
      isGiven: body.ConsentGiven,
      version: body.Version ?? null,
      language: body.Language,
      customUserId: body.CustomUserId ?? null,
      isOperator: client !== null,
      clientId: body.ClientId === undefined ? null : Buffer.from(body.ClientId, 'hex'),
      uri: body.URI ?? fingerprint.origin,
      domainId: body.DomainId ?? null,
      mobile: {
        clientSessionId: body.ClientSessionId ?? null,
        deviceManufacturer: body.DeviceManufacturer ?? null,
        sdkVersion: body.SDKVersion ?? null,
        osVersion: body.OSVersion ?? null,
        mobileApplicationId: body.MobileApplicationId ?? null,
      },
      actor: client ? `client:${client.clientId}` : 'subject',
      source: 'policyconsent',
      fingerprint,
    };
  }
}

function noPolicy(): AppError {
  return new AppError('not_found', 'there is no such policy');
}

function noRecord(): AppError {
  return new AppError('not_found', 'nothing is recorded for this ClientId and PolicyId');
}

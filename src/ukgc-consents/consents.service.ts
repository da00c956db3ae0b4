import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { EntityManager } from 'typeorm';
import { requestEvidence } from '../auth/evidence.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { invalidField } from '../common/errors.js';
import { Channel, type CrmChannel } from '../consents/channels.js';
import { decide } from '../consents/consent-decision.js';
import { ConsentHistoryService, parsePastInstant } from '../consents/consent-history.service.js';
import {
  CatalogueChanged,
  type MarketingAct,
  MarketingConsentsService,
} from '../consents/marketing-consents.service.js';
import { readConsents } from '../consents/marketing-state.js';
import { IdempotencyService } from '../database/idempotency.service.js';
import {
  type ChangeConsentsDto,
  type ConsentChangeDto,
  type ConsentsDto,
  type DecisionDto,
  type DecisionQuery,
  toConsentsDto,
  toDecisionDto,
} from './consents.dto.js';

/** The CRM's door: its wording of consents, translated to and from the core's. */
@Injectable()
export class ConsentsService {
  constructor(
    private readonly consents: MarketingConsentsService,
    private readonly history: ConsentHistoryService,
    private readonly catalogue: BrandCatalogue,
    private readonly idempotency: IdempotencyService,
  ) {}

  /** The six consents, now or at an instant. */
  async read({ brandId }: ClientPrincipal, playerId: string, at?: string): Promise<ConsentsDto> {
    if (at !== undefined) {
      return toConsentsDto(await this.history.readAt(brandId, playerId, parsePastInstant('at', at)));
    }
    const [brand, state] = await Promise.all([
      this.catalogue.get(brandId),
      this.consents.get(brandId, playerId),
    ]);
    return toConsentsDto(readConsents(brand, state));
  }

  /** Applies all changes or none, and answers what a GET would now; durable when it resolves. */
  async change(
    client: ClientPrincipal,
    playerId: string,
    body: ChangeConsentsDto,
    request: FastifyRequest,
  ): Promise<{ answer: ConsentsDto; replayed: boolean }> {
    const key = request.headers['idempotency-key'];
    const { brandId, clientId } = client;
    const once = async () => {
      // Before a transaction holds a connection: many at once would all wait for one more, which none of them gives back.
      const brand = await this.catalogue.get(brandId);
      const record = async (manager?: EntityManager): Promise<ConsentsDto> => {
        const act = this.toAct(brand, client, playerId, body, request);
        return toConsentsDto(readConsents(brand, await this.consents.record(act, manager)));
      };
      if (key === undefined) return { answer: await record(), replayed: false };
      const route = `POST /userconsents/${playerId}`;
      return this.idempotency.run({ brandId, clientId, route, key: String(key), body: request.body }, record);
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof CatalogueChanged)) throw error;
      this.catalogue.forget(brandId);
      return once();
    }
  }

  /** May the player be contacted, and why. */
  async decide({ brandId }: ClientPrincipal, playerId: string, query: DecisionQuery): Promise<DecisionDto> {
    const [brand, state, lastEvents] = await Promise.all([
      this.catalogue.get(brandId),
      this.consents.get(brandId, playerId),
      this.history.lastEvents(brandId, playerId, 'infinity'),
    ]);
    const { channel, product: name } = query;
    const product = name === undefined ? undefined : { name, bit: productBit(brand, name, 'product') };
    return toDecisionDto(decide({ brand, state, lastEvents, channel, ...(product && { product }) }));
  }

  private toAct(
    brand: BrandSettings,
    client: ClientPrincipal,
    playerId: string,
    body: ChangeConsentsDto,
    request: FastifyRequest,
  ): MarketingAct {
    const seen = new Set<CrmChannel>();
    const changes = body.consents.map((change, index) => {
      const field = `consents[${index}]`;
      const channel = channelOf(change, field);
      if (seen.has(channel)) throw invalidField(field, `${field}: the channel ${channel} comes twice`);
      seen.add(channel);
      return { channel: Channel[channel], target: targetOf(brand, channel, change, field) };
    });
    return {
      brandId: brand.id,
      playerId,
      changes,
      actor: `client:${client.clientId}`,
      source: 'userconsents',
      evidence: requestEvidence(request, brand.storeFullIp),
    };
  }
}

function channelOf({ type, channel }: ConsentChangeDto, field: string): CrmChannel {
  if (type && channel && type !== channel) {
    throw invalidField(field, `${field}: type (${type}) and channel (${channel}) must not differ`);
  }
  const name = type ?? channel;
  if (!name) throw invalidField(`${field}.type`, `${field}.type is missing: name the channel`);
  return name;
}

function targetOf(
  brand: BrandSettings,
  channel: CrmChannel,
  change: ConsentChangeDto,
  field: string,
): number {
  const { opted_in: optedIn, products } = change;
  // A withdrawal is never refused, not even for a product that nobody knows.
  if (!optedIn || products?.length === 0) return 0;
  const bits = (products ?? []).map((name) => productBit(brand, name, `${field}.products`));
  if (!products && brand.requiresProducts(channel)) {
    throw invalidField(
      `${field}.products`,
      `${field}.products is missing: the brand requires products on ${channel}`,
    );
  }
  return bits.reduce((mask, bit) => mask | bit, 1);
}

function productBit(brand: BrandSettings, name: string, field: string): number {
  const bit = brand.productBit(name);
  if (bit !== undefined) return bit;
  const known = brand.currentProducts.join(', ') || 'none';
  throw invalidField(
    field,
    `${field}: unknown product ${JSON.stringify(name.slice(0, 64))} (the brand has: ${known})`,
  );
}

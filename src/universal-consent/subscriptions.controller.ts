import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { UuidPipe } from '../common/id-pipes.js';
import { nextLink } from '../common/next-link.js';
import { SubscriptionsService } from '../delivery/webhooks/subscriptions.service.js';
import {
  NewSubscriptionDto,
  PingDto,
  RotatedSecretDto,
  SubscribeDto,
  SubscriptionDeliveriesQuery,
  SubscriptionDeliveryDto,
  SubscriptionDto,
  toPingDto,
  toSubscriptionDeliveryDto,
  toSubscriptionDto,
} from './subscriptions.dto.js';

const defaultLimit = 100;

/** Who is told of consent updates: of universal consents and of players' marketing consents alike. */
@ApiTags('Universal consent')
@ApiKeyAuth()
@Controller('api/universalconsent')
export class SubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  /** Subscribe to consent updates. Each is posted to the address, signed, until it answers 2xx. */
  @Post('subscribe')
  @RequireScope('webhooks:manage')
  @HttpCode(200)
  @ApiAnswers(200, NewSubscriptionDto)
  @Problems(400, 413)
  async subscribe(
    @Client() { brandId }: ClientPrincipal,
    @Body() { WebhookUrl, CustomUserId, Reference, ConsentType }: SubscribeDto,
  ): Promise<NewSubscriptionDto> {
    const { subscription, secret } = await this.subscriptions.create(brandId, WebhookUrl, {
      ...(CustomUserId !== undefined && { customUserId: CustomUserId }),
      ...(Reference !== undefined && { reference: Reference }),
      ...(ConsentType !== undefined && { consentType: ConsentType }),
    });
    return { ...toSubscriptionDto(subscription), Secret: secret };
  }

  /** List the brand's subscriptions, oldest first. */
  @Get('subscriptions')
  @RequireScope('webhooks:manage')
  @ApiAnswers(200, SubscriptionDto, { isArray: true })
  @Problems()
  async listSubscriptions(@Client() { brandId }: ClientPrincipal): Promise<SubscriptionDto[]> {
    return (await this.subscriptions.list(brandId)).map(toSubscriptionDto);
  }

  /** End a subscription. What waits for it is dropped, and its log. */
  @Delete('subscriptions/:id')
  @RequireScope('webhooks:manage')
  @HttpCode(204)
  @ApiAnswers(204)
  @Problems(404)
  async unsubscribe(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
  ): Promise<void> {
    await this.subscriptions.remove(brandId, id);
  }

  /** List a subscription's webhooks of the last 30 days, newest first, with every try. */
  @Get('subscriptions/:id/deliveries')
  @RequireScope('webhooks:manage')
  @ApiAnswers(200, SubscriptionDeliveryDto, { isArray: true })
  @Problems(400, 404)
  async listSubscriptionDeliveries(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
    @Query() query: SubscriptionDeliveriesQuery,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SubscriptionDeliveryDto[]> {
    const { limit = defaultLimit, cursor } = query;
    const { deliveries, next } = await this.subscriptions.listDeliveries(brandId, id, limit, cursor);
    if (next !== null) void reply.header('link', nextLink(request.url.split('?', 1)[0] ?? '', query, next));
    return deliveries.map(toSubscriptionDeliveryDto);
  }

  /** Ping a subscription. A webhook of type `ping` is sent at once; one that arrives switches on what was switched off. */
  @Post('subscriptions/:id/ping')
  @RequireScope('webhooks:manage')
  @HttpCode(200)
  @ApiAnswers(200, PingDto)
  @Problems(404)
  async pingSubscription(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
  ): Promise<PingDto> {
    return toPingDto(await this.subscriptions.ping(brandId, id));
  }

  /** Give a subscription a new secret. The old one signs along for 24 hours. */
  @Post('subscriptions/:id/rotate-secret')
  @RequireScope('webhooks:manage')
  @HttpCode(200)
  @ApiAnswers(200, RotatedSecretDto)
  @Problems(404)
  async rotateSecret(
    @Client() { brandId }: ClientPrincipal,
    @Param('id', UuidPipe) id: string,
  ): Promise<RotatedSecretDto> {
    const { secret, oldSecretUntil } = await this.subscriptions.rotateSecret(brandId, id);
    return { Secret: secret, OldSecretUntil: oldSecretUntil.toISOString() };
  }
}

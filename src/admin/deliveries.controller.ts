import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { DeliveriesService } from '../delivery/deliveries.service.js';
import { DeliveriesDto, DeliveriesQuery, DeliveryDto, toDeliveryDto } from './deliveries.dto.js';

const deliveryId = /^[1-9]\d{0,17}$/;
const defaultLimit = 100;

/** What leaves the service: CRM events, webhooks, mails, text messages. */
@ApiTags('Administration')
@ApiKeyAuth()
@Controller('api/deliveries')
export class DeliveriesController {
  constructor(private readonly deliveries: DeliveriesService) {}

  /** List what has not left, and why. CRM events, mails and messages are gone from here once they have left. */
  @Get()
  @RequireScope('webhooks:manage')
  @ApiAnswers(200, DeliveriesDto)
  @Problems(400)
  async listDeliveries(
    @Client() { brandId }: ClientPrincipal,
    @Query() { status = 'pending', kind, limit = defaultLimit, cursor }: DeliveriesQuery,
  ): Promise<DeliveriesDto> {
    const page = await this.deliveries.list(brandId, { status, kind, limit, cursor });
    return { deliveries: page.deliveries.map(toDeliveryDto), next: page.next };
  }

  /** Try a delivery again at once, also a parked one or a webhook that was delivered before. */
  @Post(':id/redeliver')
  @RequireScope('webhooks:manage')
  @HttpCode(202)
  @ApiAnswers(202, DeliveryDto)
  @Problems(404, 409)
  async redeliver(@Client() { brandId }: ClientPrincipal, @Param('id') id: string): Promise<DeliveryDto> {
    if (!deliveryId.test(id)) throw new AppError('not_found', 'there is no such delivery');
    return toDeliveryDto(await this.deliveries.redeliver(brandId, id));
  }
}

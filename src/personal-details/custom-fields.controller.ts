import { Body, Get, Header, HttpCode, Put } from '@nestjs/common';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AlternateVerbs } from '../common/route-config.js';
import { CustomFieldsService } from '../players/custom-fields.service.js';
import {
  CustomFieldsChangeDto,
  CustomFieldsDto,
  CustomFieldsSavedDto,
  toCustomFieldInputs,
  toCustomFieldsDto,
} from './custom-fields.dto.js';
import { GatewayController, RequireSession, Session } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import type { GatewaySession } from './gateway.guard.js';

/** What a brand keeps of a player beside the details. */
@GatewayController('player-personal-details/:version/custom-fields/:brand_id')
export class CustomFieldsController {
  constructor(private readonly fields: CustomFieldsService) {}

  /** Read your custom fields: all that the brand has, with or without a value. */
  @Get()
  @RequireSession()
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, CustomFieldsDto)
  @GatewayErrors([401])
  async readCustomFields(@Session() { brand, playerId }: GatewaySession): Promise<CustomFieldsDto> {
    return toCustomFieldsDto(await this.fields.find(brand.id, playerId));
  }

  /** Change some of your custom fields. What is left out stays; all of it is changed, or nothing. */
  @Put()
  @AlternateVerbs('POST')
  @HttpCode(200)
  @RequireSession()
  @ApiAnswers(200, CustomFieldsSavedDto)
  @GatewayErrors([401, 413])
  async changeCustomFields(
    @Session() { brand, playerId }: GatewaySession,
    @Body() body: CustomFieldsChangeDto,
  ): Promise<CustomFieldsSavedDto> {
    await this.fields.change(brand.id, playerId, toCustomFieldInputs(body), { actor: 'player' });
    return { result: 'success' };
  }
}

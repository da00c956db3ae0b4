import { Body, Controller, Header, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, CrmErrors } from '../common/api-answers.dto.js';
import { AddRouteConfig } from '../common/route-config.js';
import { CreateLinksDto, LinksDto, toLinksDto } from './unsubscribe-links.dto.js';
import { UnsubscribeLinksService } from './unsubscribe-links.service.js';

const maxBodyBytes = 5_000_000;

/** Links for marketing messages. */
@ApiTags('Unsubscribe')
@ApiKeyAuth()
@Controller('unsubscribe-links')
export class UnsubscribeLinksController {
  constructor(private readonly links: UnsubscribeLinksService) {}

  /**
   * Make links that withdraw consent, for the messages of a mailing. Each is for one player and one channel, or one product on it. Put it
   * into the message and into its List-Unsubscribe header. Nothing is kept of a link, and it says nothing about the player.
   */
  @Post()
  @RequireScope('consents:write')
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @AddRouteConfig({ maxBodyBytes })
  @ApiAnswers(200, LinksDto)
  @CrmErrors(400, 413)
  async createLinks(@Client() client: ClientPrincipal, @Body() { links }: CreateLinksDto): Promise<LinksDto> {
    return toLinksDto(links, await this.links.create(client.brandId, links));
  }
}

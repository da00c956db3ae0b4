import { Get, Header, Headers, Param, Res } from '@nestjs/common';
import { ApiHeader, ApiParam } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { BrandSettings } from '../brands/brand-settings.js';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { LimitPerAddress } from '../common/rate-limit.js';
import { GatewayController, OpenGateway, OptionalBrand } from './gateway.decorators.js';
import { GatewayErrors } from './gateway-answers.dto.js';
import { MessageDto, toMessageDto } from './message-format.dto.js';
import { findMessageFormat } from './message-formats.js';

/** The words of the messages that other answers name. */
@GatewayController('site-management/:version/content/message/format/:message_string')
export class MessageFormatController {
  /**
   * Read the words of a message_format. Without brand_id those of the default storage, else the brand's own where it has any; in the
   * first language of Accept-Language that there is, or else the brand's.
   */
  @Get()
  @OpenGateway('query')
  @LimitPerAddress()
  @Header('cache-control', 'no-cache')
  @Header('vary', 'Origin, Accept-Language')
  @ApiParam({ name: 'message_string', schema: { type: 'string' } })
  @ApiHeader({ name: 'Accept-Language', required: false, schema: { type: 'string' } })
  @ApiAnswers(200, MessageDto)
  @GatewayErrors([404, 429])
  readMessageFormat(
    @OptionalBrand() brand: BrandSettings | null,
    @Param('message_string') name: string,
    @Headers('accept-language') acceptLanguage: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): MessageDto {
    const message = findMessageFormat(brand, name, acceptLanguage);
    if (!message) throw new AppError('not_found');
    void reply.header('content-language', message.language);
    return toMessageDto(message);
  }
}

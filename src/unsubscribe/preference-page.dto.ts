import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow } from 'class-validator';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';

/** Links are passed on and grow on the way: what cannot be read in them is left out. */
@IgnoreUnknownKeys()
export class PreferencePageQuery {
  /**
   * A language to read in, such as de; default the player's, or else that of Accept-Language, or else the brand's.
   * @example de
   */
  @Allow()
  @ApiPropertyOptional({ type: String })
  lang?: unknown;
}

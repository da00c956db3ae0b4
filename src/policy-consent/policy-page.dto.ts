import { ApiPropertyOptional } from '@nestjs/swagger';
import { Allow } from 'class-validator';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';

/** Links are passed on and grow on the way: what cannot be read in them is left out. */
@IgnoreUnknownKeys()
export class PolicyPageQuery {
  /**
   * A language to read in, such as de; default that of Accept-Language, or else the policy's own.
   * @example de
   */
  @Allow()
  @ApiPropertyOptional({ type: String })
  lang?: unknown;

  /** An earlier version to read; default the current one. */
  @Allow()
  @ApiPropertyOptional({ type: String })
  version?: unknown;

  /** A version earlier than the one to read: what has changed since is marked in the text. */
  @Allow()
  @ApiPropertyOptional({ type: String })
  since?: unknown;
}

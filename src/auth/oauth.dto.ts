import { IsString, MaxLength } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';

/** RFC 6749 § 4.4, as JSON, as a form, or as a query. */
@IgnoreUnknownKeys()
export class TokenRequestDto {
  /**
   * Always `client_credentials`.
   * @example client_credentials
   */
  @IfGiven()
  @IsString()
  @MaxLength(100)
  grant_type?: string;

  /**
   * The client's id. May come by HTTP Basic instead.
   * @example demo
   */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  client_id?: string;

  /**
   * The client's key. May come by HTTP Basic instead.
   * @example demo-service-key
   */
  @IfGiven()
  @IsString()
  @MaxLength(500)
  client_secret?: string;
}

export class TokenDto {
  /** To be sent as `Authorization: Bearer`. */
  access_token: string;

  /**
   * Seconds.
   * @example 7200
   */
  expires_in: number;

  /** @example Bearer */
  token_type: string;
}

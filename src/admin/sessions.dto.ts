import { IsInt, Matches, Max, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { playerIdPattern } from '../common/player-id.js';

export class NewSessionDto {
  /** @example 1001 */
  @Matches(playerIdPattern, { message: 'player_id must be 1 to 64 letters, digits, _ or -' })
  player_id: string;

  /**
   * Seconds that the session lasts at most; without it, the brand's setting.
   * @example 3600
   */
  @IfGiven()
  @IsInt()
  @Min(1)
  @Max(31_536_000)
  ttl?: number;
}

export class SessionDto {
  /** What the session is ended by. */
  id: string;

  /** The player's `x-auth-token`, shown here and never again. */
  auth_token: string;

  expires_at: string;
}

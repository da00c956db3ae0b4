import { IsInt, Matches, Max, Min } from 'class-validator';
import type { SessionView } from '../auth/sessions.service.js';
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

export class LiveSessionsQuery {
  /** Whose. */
  @Matches(playerIdPattern, { message: 'player_id must be 1 to 64 letters, digits, _ or -' })
  player_id: string;
}

export class LiveSessionDto {
  /** What the session is ended by; its token is nowhere shown. */
  id: string;

  created_at: string;

  /** When it was used last, to within a minute. */
  seen_at: string;

  expires_at: string;
}

export class LiveSessionsDto {
  /** Newest first. */
  sessions: LiveSessionDto[];
}

export function toLiveSessionsDto(sessions: readonly SessionView[]): LiveSessionsDto {
  return {
    sessions: sessions.map(({ id, createdAt, seenAt, expiresAt }) => ({
      id,
      created_at: createdAt.toISOString(),
      seen_at: seenAt.toISOString(),
      expires_at: expiresAt.toISOString(),
    })),
  };
}

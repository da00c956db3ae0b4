import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import type { PlayerChangeView } from '../players/player-changes.service.js';

export class PlayerChangesQuery {
  /** Changes on a page. */
  @ApiPropertyOptional({ type: 'integer', default: 100 })
  @IfGiven()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  /** The `next` of the page before. */
  @IfGiven()
  @IsString()
  @MaxLength(100)
  cursor?: string;
}

/** One field of a player before and after; null where nothing was known. */
export class PlayerChangeDto {
  id: string;

  /**
   * A key of the details, `optOut.` and a channel, or `customFields.` and an id.
   * @example city
   */
  field: string;

  before: string | null;
  after: string | null;

  /**
   * `player`, or `client:` and the id of a service client.
   * @example player
   */
  actor: string;

  /** Whom the caller named. */
  operator: string | null;

  comment: string | null;

  @ApiProperty({ type: 'string', format: 'date-time' })
  changed_at: string;
}

export class PlayerChangesPageDto {
  changes: PlayerChangeDto[];

  /** The cursor of the next page; null on the last. */
  next: string | null;
}

/** A page of a player's changes. */
export function toPlayerChangesPageDto(page: {
  changes: PlayerChangeView[];
  next: string | null;
}): PlayerChangesPageDto {
  return {
    changes: page.changes.map(({ id, field, before, after, actor, operator, comment, changedAt }) => ({
      id,
      field,
      before,
      after,
      actor,
      operator,
      comment,
      changed_at: changedAt.toISOString(),
    })),
    next: page.next,
  };
}

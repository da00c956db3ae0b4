import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsArray } from 'class-validator';
import { QuickCheck } from '../common/validation.pipe.js';
import { type EventTypeName, eventTypes } from '../players/player-events.service.js';

const maxEvents = 10_000;
/** One more than the limit is enough to be refused. */
const cut = ({ value }: { value: unknown }): unknown =>
  Array.isArray(value) ? value.slice(0, maxEvents + 1) : value;

/** Something that a player did with money. */
export class PlayerEventDto {
  /**
   * The platform's own: 1 to 100 letters, digits, `.`, `_`, `:` or `-`. An id that the player has already changes nothing.
   * @example bet-4711
   */
  id: string;

  @ApiProperty({ enum: eventTypes })
  type: EventTypeName;

  /**
   * In units of the player's currency. Of `wagering_complete` the most that the bonus could win, which may be left out.
   * @example 2.5
   */
  amount?: number;

  /**
   * By the platform's clock, which may be 5 minutes ahead of ours and no more.
   * @example 2026-01-31T12:00:00Z
   */
  at: string;

  /** Whatever else is to be known of it, up to 4,000 characters; of `wagering_complete` players see it. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: object;
}

// The service checks each event: the rules of a class would take longer than recording them.
@QuickCheck(
  ({ events, ...others }) =>
    Array.isArray(events) && events.length <= maxEvents && Object.keys(others).length === 0,
)
export class PlayerEventsDto {
  /** Up to 10,000. */
  @Transform(cut)
  @IsArray()
  @ArrayMaxSize(maxEvents)
  events: PlayerEventDto[];
}

/** What came of a batch. */
export class RecordedEventsDto {
  /** New ones. */
  applied: number;

  /** Ones that were there before, or come twice in the batch. */
  repeated: number;
}

import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsObject,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import type { PlayerBlocksView } from '../consents/player-blocks.service.js';
import type { PlayerView } from '../players/players.service.js';

/** What is known of a player; absent keys stay, null clears. */
export class PlayerChangesDto {
  /**
   * The origin that the CRM is told for this player.
   * @example demo.example
   */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  @MaxLength(200)
  origin?: string | null;

  /** @example EUR */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @Matches(/^[A-Z]{3}$/, { message: 'currency must be an ISO 4217 code' })
  currency?: string | null;

  /** @example en */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @Matches(/^[a-z]{2}$/, { message: 'language must be an ISO 639-1 code' })
  language?: string | null;

  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  @MaxLength(200)
  bTag?: string | null;

  @IfGiven()
  @IsBoolean()
  testAccount?: boolean;
}

export class PlayerDto {
  player_id: string;
  origin: string | null;
  currency: string | null;
  language: string | null;
  bTag: string | null;
  testAccount: boolean;
}

export class BlockChangeDto {
  /** @example false */
  @IsBoolean()
  active: boolean;

  /**
   * The operator's words.
   * @example checked by support
   */
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  note?: string;
}

export class ExclusionChangeDto extends BlockChangeDto {
  /**
   * When a self-exclusion ends by itself; without it, it lasts until it is taken back.
   * @example 2027-05-01T00:00:00Z
   */
  @IfGiven()
  @ValidateIf((_object, value) => value !== null)
  @IsString()
  until?: string | null;
}

/** Either or both; an absent one stays as it is. */
export class BlocksChangeDto {
  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => ExclusionChangeDto)
  excluded?: ExclusionChangeDto;

  @IfGiven()
  @IsObject()
  @ValidateNested()
  @Type(() => BlockChangeDto)
  blocked?: BlockChangeDto;
}

export class BlockStateDto {
  active: boolean;
  note: string;
}

export class ExclusionStateDto extends BlockStateDto {
  until: string | null;
}

export class PlayerBlocksDto {
  excluded: ExclusionStateDto;
  blocked: BlockStateDto;
}

/** What is known of a player. */
export function toPlayerDto(player: PlayerView): PlayerDto {
  return {
    player_id: player.playerId,
    origin: player.origin,
    currency: player.currency,
    language: player.language,
    bTag: player.bTag,
    testAccount: player.testAccount,
  };
}

/** A player's blocks. */
export function toPlayerBlocksDto({ excluded, blocked }: PlayerBlocksView): PlayerBlocksDto {
  return {
    excluded: { active: excluded.active, note: excluded.note, until: excluded.until?.toISOString() ?? null },
    blocked: { active: blocked.active, note: blocked.note },
  };
}

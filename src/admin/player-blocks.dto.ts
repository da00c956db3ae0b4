import { Type } from 'class-transformer';
import { IsBoolean, IsObject, IsString, MaxLength, ValidateIf, ValidateNested } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import type { PlayerBlocksView } from '../consents/player-blocks.service.js';

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

/** A player's blocks. */
export function toPlayerBlocksDto({ excluded, blocked }: PlayerBlocksView): PlayerBlocksDto {
  return {
    excluded: { active: excluded.active, note: excluded.note, until: excluded.until?.toISOString() ?? null },
    blocked: { active: blocked.active, note: blocked.note },
  };
}

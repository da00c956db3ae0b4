import { ArrayMaxSize, IsArray, IsString, Length } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import type { Integration } from '../database/entities/integration.entity.js';

export class NewIntegrationDto {
  /** @example "Web shop" */
  @IsString()
  @Length(1, 100)
  Name: string;

  /**
   * The pages that may use the id in a browser; none for any page. For calls from browsers the host must be among the
   * brand's `hosts` as well.
   * @example ["https://shop.example"]
   */
  @IfGiven()
  @IsArray()
  @ArrayMaxSize(20)
  @IsString({ each: true })
  Origins?: string[];
}

export class IntegrationIdDto {
  /** @example int_3q2-7w0V1hX8kLmNoPqRsA */
  Id: string;
}

export class IntegrationDto {
  Id: string;
  Name: string;
  Origins: string[];
  Created: string;
}

/** An integration as operators see it. */
export function toIntegrationDto({ id, name, origins, createdAt }: Integration): IntegrationDto {
  return { Id: id, Name: name, Origins: origins, Created: createdAt.toISOString() };
}

import { ArrayMinSize, ArrayUnique, IsArray, IsIn, IsString, Length } from 'class-validator';
import { type Scope, scopes } from '../auth/principal.js';
import type { ServiceClient } from '../database/entities/service-client.entity.js';

export class NewClientDto {
  /** @example "Fast Track" */
  @IsString()
  @Length(1, 100)
  name: string;

  /** @example ["consents:read", "consents:write"] */
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(scopes, { each: true })
  scopes: Scope[];
}

export class ClientKeyDto {
  /** The `client_id` of OAuth and the user of HTTP Basic. */
  id: string;

  /** Shown here and never again. */
  key: string;
}

export class ClientDto {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
}

/** A client without its key, which nobody can read any more. */
export function toClientDto(client: ServiceClient): ClientDto {
  return {
    id: client.id,
    name: client.name,
    scopes: client.scopes,
    created_at: client.createdAt.toISOString(),
  };
}

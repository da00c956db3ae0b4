import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IsText, isText } from '../common/is-text.js';
import { QuickCheck } from '../common/validation.pipe.js';
import { clientIdPattern, printClientId } from '../consents/subjects.service.js';
import type { ListedRecord } from '../consents/universal/universal-list.service.js';
import {
  type ConsentLevelName,
  consentLevels,
  type UniversalRecord,
} from '../consents/universal/universal-record.js';
import { IsMetadata, isMetadata } from './is-metadata.js';

const hexadecimal = { message: 'ClientId must be 64 hexadecimal digits' };

@QuickCheck(({ ConsentGiven, Reference, ConsentType, CustomUserId, URI, Metadata, ...others }) => {
  for (const _other in others) return false;
  return (
    consentLevels.includes(ConsentGiven as ConsentLevelName) &&
    isText(Reference, 500) &&
    isText(ConsentType, 100) &&
    (CustomUserId === undefined || isText(CustomUserId, 256)) &&
    (URI === undefined || isText(URI, 2000)) &&
    (Metadata === undefined || isMetadata(Metadata))
  );
})
export class RecordConsentDto {
  /** How much is consented to. */
  @ApiProperty({ enum: consentLevels })
  @IsIn(consentLevels)
  ConsentGiven: ConsentLevelName;

  /** Who consents: an e-mail address, a player's id, anything. The same always leads to the same ClientId. */
  @ApiPropertyOptional({ example: '1001' })
  @IfGiven()
  @IsText(256)
  CustomUserId?: string;

  /**
   * Where the consent was given; without it the Origin header.
   * @example https://demo.example/offers
   */
  @IfGiven()
  @IsText(2000)
  URI?: string;

  /** JSON text about what was consented to, at most 200 characters; kept to the byte. */
  @ApiPropertyOptional({ example: '{"text":"Call me back"}' })
  @IfGiven()
  @IsMetadata()
  Metadata?: string;

  /**
   * What is consented to: an id, a URL, anything.
   * @example callback
   */
  @IsText(500)
  Reference: string;

  /**
   * A kind of consent, in the operator's own words.
   * @example Call
   */
  @IsText(100)
  ConsentType: string;
}

export class RecordedConsentDto {
  /** When this reference was first consented to. */
  Created: string;

  /** @example 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08 */
  ClientId: string;
}

export class ChangeConsentDto {
  /** @example 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08 */
  @Matches(clientIdPattern, hexadecimal)
  ClientId: string;

  /** @example callback */
  @IsText(500)
  Reference: string;

  @ApiPropertyOptional({ enum: consentLevels, example: 'None' })
  @IfGiven()
  @IsIn(consentLevels)
  ConsentGiven?: ConsentLevelName;

  /** JSON text about what was consented to, at most 200 characters; kept to the byte. */
  @ApiPropertyOptional({ example: '{"text":"Call me back in May"}' })
  @IfGiven()
  @IsMetadata()
  Metadata?: string;
}

@QuickCheck(({ ClientId, Reference, ...others }) => {
  for (const _other in others) return false;
  return isText(ClientId, 64) && clientIdPattern.test(ClientId) && isText(Reference, 500);
})
export class ConsentGivenQuery {
  /** @example 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08 */
  @Matches(clientIdPattern, hexadecimal)
  ClientId: string;

  /** @example callback */
  @IsText(500)
  Reference: string;
}

export class ConsentGivenDto {
  /** `None` also where nothing is recorded. */
  @ApiProperty({ enum: consentLevels })
  ConsentGiven: ConsentLevelName;
}

export class RecordQuery {
  /** What was consented to; without it the most recently updated record. */
  @IfGiven()
  @IsText(500)
  Reference?: string;
}

export class UniversalConsentDto {
  Id: string;
  Created: string;
  LastUpdated: string;
  URI: string | null;

  @ApiProperty({ enum: consentLevels })
  ConsentGiven: ConsentLevelName;

  ConsentType: string;
  Metadata: string | null;
  Reference: string;

  /** Only for a service client of the brand with the scope `universal:read`. */
  CustomUserId?: string | null;

  ClientId: string;
}

const givenWords = ['true', 'false', ...consentLevels] as const;

export class ListConsentsQuery {
  @IfGiven()
  @IsText(256)
  CustomUserId?: string;

  @IfGiven()
  @IsText(500)
  Reference?: string;

  @IfGiven()
  @IsText(100)
  ConsentType?: string;

  /** The earliest last update, inclusive: an instant, or a day (UTC). Without any date, the last 7 days. */
  @IfGiven()
  @IsText(40)
  FromDate?: string;

  /** The latest last update, exclusive. */
  @IfGiven()
  @IsText(40)
  ToDate?: string;

  /** `true` (All or Partial) or `false` (None), or one of the three words. */
  @ApiPropertyOptional({ enum: givenWords })
  @IfGiven()
  @IsIn(givenWords)
  ConsentGiven?: (typeof givenWords)[number];

  @IfGiven()
  @IsText(64)
  IP?: string;

  /** In full, as it was sent. */
  @IfGiven()
  @IsText(500)
  UserAgent?: string;

  @IfGiven()
  @IsText(100)
  City?: string;

  @IfGiven()
  @IsText(100)
  State?: string;

  /** ISO 3166-1 alpha-2, such as GB. */
  @IfGiven()
  @IsText(100)
  Country?: string;

  /** Records on a page. A page may hold fewer, even none, while there is a next one. */
  @ApiPropertyOptional({ type: 'integer', default: 100, minimum: 1, maximum: 1000 })
  @IfGiven()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1000)
  limit?: number;

  /** That of the Link header of the page before. */
  @IfGiven()
  @IsString()
  @MaxLength(200)
  cursor?: string;
}

/** Where the last request about a record came from; null where that is unknown. */
export class FingerprintDto {
  CustomUserId: string | null;

  /** Whole, or its network, as the brand's setting `storeFullIp` says. */
  IP: string | null;

  /** The address's network: /24, or /48 of IPv6. */
  ProxifiedIP: string | null;

  UserAgent: string | null;
  City: string | null;
  State: string | null;
  Country: string | null;
}

export class ListedConsentDto {
  Id: string;
  Created: string;
  LastUpdated: string;

  /** False for None. */
  ConsentGiven: boolean;

  @ApiProperty({ enum: consentLevels })
  ConsentLevel: ConsentLevelName;

  URI: string | null;
  ConsentType: string;
  Metadata: string | null;
  Reference: string;
  ClientId: string;
  Fingerprint: FingerprintDto;
}

/** What a POST answers. */
export function toRecordedDto(record: UniversalRecord): RecordedConsentDto {
  return { Created: record.createdAt.toISOString(), ClientId: printClientId(record.clientId) };
}

/** A record of the list, field by field. */
export function toListedDto(record: ListedRecord): ListedConsentDto {
  const { fingerprint } = record;
  return {
    Id: record.id,
    Created: record.createdAt.toISOString(),
    LastUpdated: record.updatedAt.toISOString(),
    ConsentGiven: record.level !== 'None',
    ConsentLevel: record.level,
    URI: record.uri,
    ConsentType: record.consentType,
    Metadata: record.metadata,
    Reference: record.reference,
    ClientId: printClientId(record.clientId),
    Fingerprint: {
      CustomUserId: record.customUserId,
      IP: fingerprint.ip,
      ProxifiedIP: fingerprint.proxifiedIp,
      UserAgent: fingerprint.userAgent,
      City: fingerprint.city,
      State: fingerprint.state,
      Country: fingerprint.country,
    },
  };
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IsLanguage, isLanguage } from '../common/is-language.js';
import { IsText, isText } from '../common/is-text.js';
import { QuickCheck } from '../common/validation.pipe.js';
import { type PolicyType, policyTypes } from '../consents/policies/policy.js';
import type { PolicyRecord, PolicyRecordView } from '../consents/policies/policy-record.js';
import type { ListedPolicyConsent } from '../consents/policies/policy-list.service.js';
import { clientIdPattern, printClientId } from '../consents/subjects.service.js';
import type { KnownPolicy } from '../consents/policies/policy-catalogue.js';

const hexadecimal = { message: 'ClientId must be 64 hexadecimal digits' };

@QuickCheck(({ PolicyId, LanguageCode, ...others }) => {
  for (const _other in others) return false;
  return typeof PolicyId === 'string' && (LanguageCode === undefined || isLanguage(LanguageCode));
})
export class PolicyTextQuery {
  @IsString()
  PolicyId: string;

  /**
   * Of the reader, such as pt-BR; where there is no text in it, that of pt, or else of the policy's own language.
   * @example en
   */
  @IfGiven()
  @IsLanguage()
  LanguageCode?: string;
}

export class PolicyTextDto {
  Id: string;
  Name: string;

  @ApiProperty({ enum: policyTypes })
  Type: PolicyType;

  /** The version in force. */
  Version: string;

  /** Its text in HTML, safe to put into a page. The ETag begins with its SHA-256. */
  CompiledHtml: string;
}

export class RecordPolicyConsentDto {
  @IsString()
  PolicyId: string;

  /** False withdraws. */
  @IsBoolean()
  ConsentGiven: boolean;

  /**
   * Of the text that was read.
   * @example en
   */
  @IsLanguage()
  Language: string;

  /**
   * Who consents. Without a credential it is a claim: it leads to a ClientId of its own.
   * @example "jane@example.com"
   */
  @IfGiven()
  @IsText(256)
  CustomUserId?: string;

  /** Whoever consented before, or nobody in particular until now; with a CustomUserId the two become one. */
  @IfGiven()
  @Matches(clientIdPattern, hexadecimal)
  ClientId?: string;

  /** Where; without it the Origin header. */
  @IfGiven()
  @IsText(2000)
  URI?: string;

  /** Of the site, in the operator's own words. */
  @IfGiven()
  @IsText(200)
  DomainId?: string;

  /** The version that was read; without it the current one is assumed, and marked so. */
  @IfGiven()
  @IsText(50)
  Version?: string;

  /** This and the following are an app's; with any of them a credential with `policy:write` is needed. */
  @IfGiven()
  @IsText(200)
  ClientSessionId?: string;

  @IfGiven()
  @IsText(200)
  DeviceManufacturer?: string;

  @IfGiven()
  @IsText(200)
  SDKVersion?: string;

  @IfGiven()
  @IsText(200)
  OSVersion?: string;

  @IfGiven()
  @IsText(200)
  MobileApplicationId?: string;
}

export class RecordedPolicyConsentDto {
  Created: string;
  ClientId: string;
}

class PolicyVersionQuery {
  @IsString()
  PolicyId: string;

  /** Without it the newest record of any version. */
  @IfGiven()
  @IsText(50)
  Version?: string;
}

export class PolicyRecordQuery extends PolicyVersionQuery {
  /** That of the path once more, or nothing. */
  @IfGiven()
  @Matches(clientIdPattern, hexadecimal)
  ClientId?: string;
}

export class PolicyRecordDto implements PolicyRecordView {
  Id: string;
  Created: string;
  URI: string | null;
  PolicyId: string;

  @ApiProperty({ enum: policyTypes })
  PolicyType: PolicyType;

  Version: string;
  ConsentGiven: boolean;

  /** Only for a service client of the brand with the scope `policy:read`. */
  CustomUserId?: string | null;

  ClientId: string;
}

@QuickCheck(({ ClientId, PolicyId, Version, ...others }) => {
  for (const _other in others) return false;
  return (
    isText(ClientId, 64) &&
    clientIdPattern.test(ClientId) &&
    typeof PolicyId === 'string' &&
    (Version === undefined || isText(Version, 50))
  );
})
export class PolicyGivenQuery extends PolicyVersionQuery {
  @Matches(clientIdPattern, hexadecimal)
  ClientId: string;
}

export class PolicyGivenDto {
  /** Without `Version`: whether what was said last, since the last version that asked everybody again, is yes. */
  ConsentGiven: boolean;
}

/** With ClientId one record is read, without it records are listed. */
export class PolicyConsentsQuery {
  /** Reads the newest record of this subject, of `PolicyId` and, if given, `Version`. */
  @IfGiven()
  @Matches(clientIdPattern, hexadecimal)
  ClientId?: string;

  @IfGiven()
  @IsString()
  PolicyId?: string;

  /** Only with ClientId. */
  @IfGiven()
  @IsText(50)
  Version?: string;

  @IfGiven()
  @IsText(256)
  CustomUserId?: string;

  /** The earliest, inclusive: an instant, or a day (UTC). Without any date, the last 7 days. */
  @IfGiven()
  @IsText(40)
  FromDate?: string;

  /** The latest, exclusive. */
  @IfGiven()
  @IsText(40)
  ToDate?: string;

  @ApiPropertyOptional({ enum: ['true', 'false'] })
  @IfGiven()
  @IsIn(['true', 'false'])
  ConsentGiven?: 'true' | 'false';

  @IfGiven()
  @IsText(50)
  PolicyVersion?: string;

  @IfGiven()
  @IsText(200)
  MobileApplicationId?: string;

  @IfGiven()
  @IsText(200)
  DeviceManufacturer?: string;

  @IfGiven()
  @IsText(200)
  SDKVersion?: string;

  @IfGiven()
  @IsText(200)
  OSVersion?: string;

  @IfGiven()
  @IsText(200)
  DomainId?: string;

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

/** The record of an app's user. */
export class MobilePolicyRecordDto {
  Id: string;
  Created: string;
  ConsentGiven: boolean;
  URI: string | null;
  PolicyName: string;

  @ApiProperty({ enum: policyTypes })
  PolicyType: PolicyType;

  PolicyId: string;
  PolicyVersion: string;
  CustomUserId: string | null;
  ClientId: string;
}

/** Where a request came from; null where that is unknown. */
export class PolicyFingerprintDto {
  IP: string | null;
  ProxifiedIP: string | null;
  UserAgent: string | null;
  City: string | null;
  State: string | null;
  Country: string | null;
  ClientSessionId: string | null;
  DeviceManufacturer: string | null;
  SDKVersion: string | null;
  OSVersion: string | null;
}

export class ListedPolicyConsentDto {
  Id: string;
  Created: string;
  ConsentGiven: boolean;
  URI: string | null;

  @ApiProperty({ enum: policyTypes })
  PolicyType: PolicyType;

  PolicyId: string;
  Version: string;
  CustomUserId: string | null;
  ClientId: string;
  Fingerprint: PolicyFingerprintDto;
}

/** A record as apps' back ends read it. */
export function toMobileRecordDto(policy: KnownPolicy, record: PolicyRecord): MobilePolicyRecordDto {
  return {
    Id: record.id,
    Created: record.createdAt.toISOString(),
    ConsentGiven: record.isGiven,
    URI: record.uri,
    PolicyName: policy.name,
    PolicyType: policy.type,
    PolicyId: policy.id,
    PolicyVersion: record.version,
    CustomUserId: record.customUserId,
    ClientId: printClientId(record.clientId),
  };
}

/** A record of the list, field by field. */
export function toListedPolicyConsentDto(record: ListedPolicyConsent): ListedPolicyConsentDto {
  const { fingerprint } = record;
  return {
    Id: record.id,
    Created: record.createdAt.toISOString(),
    ConsentGiven: record.isGiven,
    URI: record.uri,
    PolicyType: record.policyType,
    PolicyId: record.policyId,
    Version: record.version,
    CustomUserId: record.customUserId,
    ClientId: printClientId(record.clientId),
    Fingerprint: {
      IP: fingerprint.ip,
      ProxifiedIP: fingerprint.proxifiedIp,
      UserAgent: fingerprint.userAgent,
      City: fingerprint.city,
      State: fingerprint.state,
      Country: fingerprint.country,
      ClientSessionId: record.clientSessionId,
      DeviceManufacturer: record.deviceManufacturer,
      SDKVersion: record.sdkVersion,
      OSVersion: record.osVersion,
    },
  };
}

import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsString,
  Matches,
  MaxLength,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { parseDay } from '../common/date-bounds.js';
import { IfGiven } from '../common/if-given.js';
import { IsLanguage } from '../common/is-language.js';
import { IsText } from '../common/is-text.js';
import type { DraftedVersion } from '../consents/policies/policies.service.js';
import type { AcceptanceFigures } from '../consents/policies/policy-acceptance.service.js';
import {
  type PolicyType,
  type PolicyVersionView,
  type PolicyView,
  policyTypes,
  type TextFormat,
  textFormats,
  type VersionState,
  versionPattern,
  versionStates,
  versionStatesOf,
} from '../consents/policies/policy.js';
import type { ChangeKind, TextChange } from '../consents/policies/policy-diff.js';

const maxTextLength = 1_000_000;

export class CreatePolicyDto {
  /** @example Terms and conditions */
  @IsText(200)
  Name: string;

  @ApiProperty({ enum: policyTypes })
  @IsIn(policyTypes)
  Type: PolicyType;

  /**
   * Every version has a text in this language; who asks for one that there is not reads this.
   * @example en
   */
  @IsLanguage()
  DefaultLanguage: string;

  /** The site that the policy is for, where a brand has several; without it the policy is the brand's. */
  @IfGiven()
  @IsText(200)
  DomainId?: string;
}

export class DraftTextDto {
  /** @example en */
  @IsLanguage()
  Language: string;

  @ApiProperty({ enum: textFormats })
  @IsIn(textFormats)
  Format: TextFormat;

  /**
   * Scripts, styles, pictures, frames and forms are taken out of it.
   * @example "# Terms\n\nYou must be **18** or older."
   */
  @ApiProperty({ minLength: 1, maxLength: maxTextLength })
  @IsText(maxTextLength)
  Text: string;
}

export class DraftVersionDto {
  /**
   * 1 to 50 letters, digits, spaces and . _ - of which the first and the last is a letter or digit.
   * @example 2.0
   */
  @Matches(versionPattern, {
    message:
      'Version must be 1 to 50 letters, digits, spaces, ., _ or -, the first and the last a letter or digit',
  })
  Version: string;

  /** Whether everybody is asked again; without it, older consents carry over. */
  @ApiPropertyOptional({ default: true })
  @IfGiven()
  @IsBoolean()
  Material?: boolean;

  /** The earliest that it takes effect once it is published: an instant, or a day (UTC). Null or absent, at once. */
  @ApiPropertyOptional({ type: 'string', nullable: true })
  @ValidateIf((_object, value) => value !== undefined && value !== null)
  @IsString()
  @MaxLength(40)
  EffectiveFrom?: string | null;

  @ApiProperty({ type: () => [DraftTextDto], minItems: 1, maxItems: 50 })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => DraftTextDto)
  Texts: DraftTextDto[];
}

export class PolicyDto {
  Id: string;
  Name: string;

  @ApiProperty({ enum: policyTypes })
  Type: PolicyType;

  DefaultLanguage: string;
  DomainId: string | null;
  Created: string;

  /** The version in force; null while there is none. */
  CurrentVersion: string | null;
}

export class PolicyVersionDto {
  Version: string;

  /** `scheduled` is published and not yet in force. */
  @ApiProperty({ enum: versionStates })
  State: VersionState;

  Material: boolean;
  Languages: string[];
  Created: string;
  EffectiveFrom: string | null;
  Published: string | null;

  /** When it takes or took effect. */
  EffectiveAt: string | null;
}

export class PolicyWithVersionsDto extends PolicyDto {
  /** In the order they take effect; drafts last. */
  Versions: PolicyVersionDto[];
}

export class DiffQuery {
  /**
   * Of the reader, as in `GET /api/policyconsent/policy`; only languages that both versions have are compared.
   * @example en
   */
  @IfGiven()
  @IsLanguage()
  Language?: string;
}

export class TextChangeDto {
  @ApiProperty({ enum: ['same', 'added', 'removed'] })
  Kind: ChangeKind;

  /** Plain text. What is `same` or `added` makes up the newer text, what is `same` or `removed` the older. */
  Text: string;
}

export class AcceptanceDayDto {
  /** UTC. */
  Day: string;
  Accepted: number;
  Withdrawn: number;
}

export class AcceptanceDto {
  Version: string;
  EffectiveAt: string;

  /** Whose last word on this version is yes. */
  Accepted: number;

  /** Who had a word on it at all. */
  Subjects: number;

  /** Acts by day, oldest first: the last 90 days that had any. */
  Days: AcceptanceDayDto[];
}

/** A draft as the core takes it; invalid_input for an EffectiveFrom that is no instant. */
export function toDraftedVersion({
  Version,
  Material,
  EffectiveFrom,
  Texts,
}: DraftVersionDto): DraftedVersion {
  return {
    version: Version,
    isMaterial: Material ?? true,
    effectiveFrom: typeof EffectiveFrom === 'string' ? parseDay('EffectiveFrom', EffectiveFrom) : null,
    texts: Texts.map(({ Language, Format, Text }) => ({ language: Language, format: Format, text: Text })),
  };
}

/** A policy, field by field. */
export function toPolicyDto(policy: PolicyView): PolicyDto {
  const current = policy.versions[versionStatesOf(policy, new Date()).indexOf('current')];
  return {
    Id: policy.id,
    Name: policy.name,
    Type: policy.type,
    DefaultLanguage: policy.defaultLanguage,
    DomainId: policy.domainId,
    Created: policy.createdAt.toISOString(),
    CurrentVersion: current?.version ?? null,
  };
}

/** A policy with its versions. */
export function toPolicyWithVersionsDto(policy: PolicyView): PolicyWithVersionsDto {
  const states = versionStatesOf(policy, new Date());
  return {
    ...toPolicyDto(policy),
    Versions: policy.versions.map((version, index) => toVersionDto(version, states[index] ?? 'draft')),
  };
}

/** One version of a policy that has it. */
export function toPolicyVersionDto(policy: PolicyView, version: string): PolicyVersionDto {
  const found = toPolicyWithVersionsDto(policy).Versions.find(({ Version }) => Version === version);
  if (!found) throw new Error('the version is gone');
  return found;
}

function toVersionDto(view: PolicyVersionView, state: VersionState): PolicyVersionDto {
  return {
    Version: view.version,
    State: state,
    Material: view.isMaterial,
    Languages: view.languages,
    Created: view.createdAt.toISOString(),
    EffectiveFrom: view.effectiveFrom?.toISOString() ?? null,
    Published: view.publishedAt?.toISOString() ?? null,
    EffectiveAt: view.effectiveAt?.toISOString() ?? null,
  };
}

/** What became of a run of text. */
export function toTextChangeDto({ kind, text }: TextChange): TextChangeDto {
  return { Kind: kind, Text: text };
}

/** How many accepted a version. */
export function toAcceptanceDto(figures: AcceptanceFigures): AcceptanceDto {
  return {
    Version: figures.version,
    EffectiveAt: figures.effectiveAt.toISOString(),
    Accepted: figures.accepted,
    Subjects: figures.subjects,
    Days: figures.days.map(({ on, accepted, withdrawn }) => ({
      Day: on,
      Accepted: accepted,
      Withdrawn: withdrawn,
    })),
  };
}

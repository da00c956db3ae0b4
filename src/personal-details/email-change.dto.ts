import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { AppError } from '../common/errors.js';
import { IfGiven } from '../common/if-given.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import type { EmailChange } from '../players/email-change.service.js';

/** The new address. What is missing breaks a rule (422); what is of another type is no request (400). */
@IgnoreUnknownKeys()
export class EmailChangeDto {
  @ApiProperty({ example: 'ada.demo@example.com' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  email?: string;

  /** The same under another name. */
  @ApiPropertyOptional()
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  eMail?: string;

  /** Kept with the change; default `player request`. */
  @ApiPropertyOptional({ example: 'moved house' })
  @IfGiven()
  @IsString()
  @MaxLength(1000)
  comment?: string;
}

/** The change, whichever name the address has; invalid_input for two of them. */
export function toEmailChange({ email, eMail, comment }: EmailChangeDto): EmailChange {
  if (email !== undefined && eMail !== undefined && email !== eMail) throw new AppError('invalid_input');
  return { email: email ?? eMail ?? '', comment: comment || 'player request' };
}

import { ApiProperty } from '@nestjs/swagger';
import { Allow, IsString, MaxLength } from 'class-validator';
import { AppError } from '../common/errors.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import type { PasswordCode } from '../players/password-rules.js';
import type { FieldCodesDto, MessageFormatDto } from './gateway-answers.dto.js';

const maxLength = 1000;

@IgnoreUnknownKeys()
export class ForgotPasswordDto {
  @ApiProperty({ type: String, example: 'player1001@example.com' })
  @Allow()
  mail?: unknown;
}

@IgnoreUnknownKeys()
export class NewPasswordDto {
  /**
   * 8 to 15 characters (the brand's setting), letters and digits among them.
   * @example Secr3t-words
   */
  @IsString()
  @MaxLength(maxLength)
  new_password: string;
}

@IgnoreUnknownKeys()
export class PasswordChangeDto {
  /** @example Passw0rd1 */
  @IsString()
  @MaxLength(maxLength)
  old_password: string;

  /**
   * 8 to 15 characters (the brand's setting), letters and digits among them.
   * @example Secr3t-words
   */
  @IsString()
  @MaxLength(maxLength)
  new_password: string;
}

/** The password is set, and the player logged in. */
export class PasswordSetDto {
  /** The session: the `x-auth-token` of what follows. */
  token: string;

  /** @example password_successfully_changed */
  message_format: string;
}

export class ActivationSentDto {
  /** @example Activation Email was sent. */
  msg: string;
}

const messageFormat = (name: string): MessageFormatDto => ({ message_format: name });

export const passwordAnswers = {
  forgotten: messageFormat('forgot_email_sent'),
  set: messageFormat('password_successfully_changed'),
  replaced: messageFormat('password_replaced'),
  termsOpen: messageFormat('tnc_approval_required'),
} as const;

/** Why a request about passwords or links is refused, by the name of a message. */
export function refusal(name: 'email_required' | 'general_failure' | 'wrong_old_password'): AppError {
  const code = name === 'wrong_old_password' ? 'unprocessable' : 'invalid_input';
  return new AppError(code, undefined, [], { answer: messageFormat(name) });
}

/** The rules that a new password breaks. */
export function brokenPassword(codes: readonly PasswordCode[]): AppError {
  const answer: FieldCodesDto = { result: codes.map((errorCode) => ({ field: 'password', errorCode })) };
  return new AppError('unprocessable', undefined, [], { answer });
}

/** The address of a request; email_required where there is none, invalid_input for what is no text. */
export function toAddress({ mail }: ForgotPasswordDto): string {
  if (mail === undefined || mail === null || (typeof mail === 'string' && mail.trim() === ''))
    throw refusal('email_required');
  if (typeof mail !== 'string' || mail.length > maxLength || mail.includes('\0'))
    throw new AppError('invalid_input');
  return mail;
}

/** A new password as a form says it, where it stands twice; JSON says it once. */
export interface PasswordForm {
  password: string;
  again: string;
}

/** Reads what was posted; general_failure for what holds no password. */
export function readPasswordForm(body: unknown): PasswordForm {
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const { new_password: password, new_password_again: again = password } = fields;
  if (typeof password !== 'string' || typeof again !== 'string' || password.length > maxLength)
    throw refusal('general_failure');
  return { password, again };
}

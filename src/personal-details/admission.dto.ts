import { ApiProperty } from '@nestjs/swagger';
import { ValidateIf } from 'class-validator';
import { IfGiven } from '../common/if-given.js';
import { IsText } from '../common/is-text.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import {
  playerActions,
  type PlayerAction,
  requirementCodes,
} from '../players/player-requirements.service.js';
import type { LoginOutcome } from '../players/login.service.js';

const isNamed = (body: LoginDto) => body.user_name !== undefined || body.email !== undefined;

/** Who logs in: by the user name or the e-mail address. Where both are sent, both must be the player's. */
@IgnoreUnknownKeys()
export class LoginDto {
  /** @example player1001 */
  @ValidateIf((body: LoginDto, value) => value !== undefined || !isNamed(body))
  @IsText(1000)
  user_name?: string;

  @IfGiven()
  @IsText(1000)
  email?: string;

  /** @example Passw0rd1 */
  @IsText(1000)
  password: string;

  /** The language of the site; nothing depends on it. */
  @IfGiven()
  @IsText(100)
  language?: string;
}

/** A session, and nothing in the way of it. */
export class LoggedInDto {
  /** The session: the `x-auth-token` of what follows. */
  auth_token: string;

  /** @example OK */
  result: string;

  /** What the site is to offer the player; nothing of it stands in the way. */
  @ApiProperty({ enum: playerActions, isArray: true })
  actions: PlayerAction[];

  /** Whether documents are to be shown before the player goes on. Nothing here asks for any. */
  documents_required: boolean;

  /** Of a service that identifies players; there is none. */
  identification_token: string;

  /** Of documents that are to be shown; there are none. */
  links: string[];
}

/** A session, and what the player has to do before anything else. */
export class OpenRequirementDto {
  /** The session: the `x-auth-token` of what follows. */
  token: string;

  @ApiProperty({ enum: requirementCodes })
  result: string;

  /** What the site is to offer the player; nothing of it stands in the way. */
  @ApiProperty({ enum: playerActions, isArray: true })
  actions: PlayerAction[];
}

/** The password was right; a code from the player's phone is to be shown under this token. */
export class ChallengeDto {
  /** @example 2FA_REQUIRED */
  result: string;

  @ApiProperty({ name: '2fa_auth_token', type: String, example: '5b0e3a6e-9d44-4f39-8a4e-0f3c2f6f1d11' })
  '2fa_auth_token': string;
}

/** What was done. */
export class ResultDto {
  /** @example successful logout */
  result: string;
}

/** The status and body of a log-in whose password was right. */
export function toLoginAnswer(outcome: LoginOutcome): {
  status: number;
  body: LoggedInDto | OpenRequirementDto | ChallengeDto;
} {
  if (outcome.kind === 'challenge') {
    return { status: 403, body: { result: '2FA_REQUIRED', '2fa_auth_token': outcome.token } };
  }
  const { token, codes, actions } = outcome;
  const [code] = codes;
  if (code) return { status: 303, body: { token, result: code, actions } };
  return {
    status: 200,
    body: {
      auth_token: token,
      result: 'OK',
      actions,
      documents_required: false,
      identification_token: '',
      links: [],
    },
  };
}

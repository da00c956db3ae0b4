import { Injectable } from '@nestjs/common';
import type { BrandSettings } from '../brands/brand-settings.js';
import { LoginService } from '../players/login.service.js';
import { PasswordResetService } from '../players/password-reset.service.js';
import type { MessageFormatDto } from './gateway-answers.dto.js';
import { brokenPassword, passwordAnswers, type PasswordSetDto, refusal } from './passwords.dto.js';

/** New passwords by the link that was mailed, as programs set them. */
@Injectable()
export class PasswordLinksService {
  constructor(
    private readonly resets: PasswordResetService,
    private readonly login: LoginService,
  ) {}

  /** Sets it and logs the player in, unless something is to be done first: then 200 without a session. Throws what is refused. */
  async set(
    brand: BrandSettings,
    secret: unknown,
    password: string,
  ): Promise<{ status: 200; body: MessageFormatDto } | { status: 202; body: PasswordSetDto }> {
    const outcome = await this.resets.reset(brand, secret, password);
    if (outcome.kind === 'void') throw refusal('general_failure');
    if (outcome.kind === 'broken') throw brokenPassword(outcome.codes);
    const token = await this.login.openAfterReset(brand, outcome.link.playerId, outcome.passwordHash);
    if (token === null) return { status: 200, body: passwordAnswers.set };
    return { status: 202, body: { token, message_format: passwordAnswers.set.message_format } };
  }
}

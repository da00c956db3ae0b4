import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { Clock } from '../common/clock.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { HealthModule } from '../health/health.module.js';
import { ActivationService } from './activation.service.js';
import { AttemptLimits } from './attempt-limits.service.js';
import { CodeTokensService } from './code-tokens.service.js';
import { CredentialsService } from './credentials.service.js';
import { CustomFieldsService } from './custom-fields.service.js';
import { DetailsChangesService } from './details-changes.service.js';
import { DetailsWriter } from './details-writer.js';
import { EmailChangeService } from './email-change.service.js';
import { EmailVerificationService } from './email-verification.service.js';
import { ForgottenPasswordsService } from './forgotten-passwords.service.js';
import { GameSessionsService } from './game-sessions.service.js';
import { LoginService } from './login.service.js';
import { MobileCodesService } from './mobile-codes.service.js';
import { MobileVerificationService } from './mobile-verification.service.js';
import { OnlineStatusService } from './online-status.service.js';
import { PasswordChangeService } from './password-change.service.js';
import { PasswordHasher } from './password-hasher.js';
import { PasswordResetService } from './password-reset.service.js';
import { PasswordsService } from './passwords.service.js';
import { PlayerActivityService } from './player-activity.service.js';
import { PlayerChangesService } from './player-changes.service.js';
import { PlayerDetailsService } from './player-details.service.js';
import { PlayerEventsService } from './player-events.service.js';
import { PlayerExportService } from './player-export.service.js';
import { PlayerInfoService } from './player-info.service.js';
import { PlayerLinksService } from './player-links.service.js';
import { PlayerRequirementsService } from './player-requirements.service.js';
import { PlayersService } from './players.service.js';
import { RegistrationDetailsService } from './registration-details.service.js';
import { RegistrationService } from './registration.service.js';
import { TermsSigningService } from './terms-signing.service.js';
import { VerifiedPhonesService } from './verified-phones.service.js';
import { WageringService } from './wagering.service.js';

const services = [
  ActivationService,
  AttemptLimits,
  Clock,
  CodeTokensService,
  CredentialsService,
  CustomFieldsService,
  DetailsChangesService,
  DetailsWriter,
  EmailChangeService,
  EmailVerificationService,
  ForgottenPasswordsService,
  GameSessionsService,
  LoginService,
  MobileCodesService,
  MobileVerificationService,
  OnlineStatusService,
  PasswordChangeService,
  PasswordHasher,
  PasswordResetService,
  PasswordsService,
  PlayerActivityService,
  PlayerChangesService,
  PlayerDetailsService,
  PlayerEventsService,
  PlayerExportService,
  PlayerInfoService,
  PlayerLinksService,
  PlayerRequirementsService,
  PlayersService,
  RegistrationDetailsService,
  RegistrationService,
  TermsSigningService,
  VerifiedPhonesService,
  WageringService,
];

/** Players beside their consents. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule, DeliveryModule, HealthModule],
  providers: services,
  exports: services,
})
export class PlayersModule {}

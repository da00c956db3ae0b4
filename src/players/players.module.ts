import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { HealthModule } from '../health/health.module.js';
import { AttemptLimits } from './attempt-limits.service.js';
import { CredentialsService } from './credentials.service.js';
import { LoginService } from './login.service.js';
import { PasswordHasher } from './password-hasher.js';
import { PlayerDetailsService } from './player-details.service.js';
import { PlayerInfoService } from './player-info.service.js';
import { PlayerRequirementsService } from './player-requirements.service.js';
import { PlayersService } from './players.service.js';

const services = [
  AttemptLimits,
  CredentialsService,
  LoginService,
  PasswordHasher,
  PlayerDetailsService,
  PlayerInfoService,
  PlayerRequirementsService,
  PlayersService,
];

/** Players beside their consents. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule, HealthModule],
  providers: services,
  exports: services,
})
export class PlayersModule {}

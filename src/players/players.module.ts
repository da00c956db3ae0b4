import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { HealthModule } from '../health/health.module.js';
import { AttemptLimits } from './attempt-limits.service.js';
import { LoginService } from './login.service.js';
import { PasswordHasher } from './password-hasher.js';
import { PlayerDetailsService } from './player-details.service.js';
import { PlayerRequirementsService } from './player-requirements.service.js';
import { PlayersService } from './players.service.js';

const services = [
  AttemptLimits,
  LoginService,
  PasswordHasher,
  PlayerDetailsService,
  PlayerRequirementsService,
  PlayersService,
];

/** Players beside their consents. */
@Module({
  imports: [AuthModule, ConsentsModule, HealthModule],
  providers: services,
  exports: services,
})
export class PlayersModule {}

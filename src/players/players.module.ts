import { Module } from '@nestjs/common';
import { ConsentsModule } from '../consents/consents.module.js';
import { PlayerDetailsService } from './player-details.service.js';
import { PlayerInfoService } from './player-info.service.js';
import { PlayerRequirementsService } from './player-requirements.service.js';
import { PlayersService } from './players.service.js';

/** Players beside their consents. */
@Module({
  imports: [ConsentsModule],
  providers: [PlayersService, PlayerDetailsService, PlayerInfoService, PlayerRequirementsService],
  exports: [PlayersService, PlayerDetailsService, PlayerInfoService, PlayerRequirementsService],
})
export class PlayersModule {}

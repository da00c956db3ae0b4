import { Module } from '@nestjs/common';
import { PlayerDetailsService } from './player-details.service.js';
import { PlayersService } from './players.service.js';

/** Players beside their consents. */
@Module({
  providers: [PlayersService, PlayerDetailsService],
  exports: [PlayersService, PlayerDetailsService],
})
export class PlayersModule {}

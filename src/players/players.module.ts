import { Module } from '@nestjs/common';
import { PlayersService } from './players.service.js';

/** Players beside their consents. */
@Module({ providers: [PlayersService], exports: [PlayersService] })
export class PlayersModule {}

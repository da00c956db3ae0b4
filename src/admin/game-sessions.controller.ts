import { Body, Controller, Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { UuidPipe } from '../common/id-pipes.js';
import { GameSessionsService } from '../players/game-sessions.service.js';
import { GameSessionDto, NewGameSessionDto } from './game-sessions.dto.js';

/** Games that players have open. */
@ApiTags('Internal')
@ApiKeyAuth()
@Controller('internal/game-sessions')
export class GameSessionsController {
  constructor(private readonly games: GameSessionsService) {}

  /** Open a game session, in which the game may ask for its player's figures. It ends with DELETE, or when a session would. */
  @Post()
  @RequireScope('players:manage')
  @ApiAnswers(201, GameSessionDto)
  @Problems(400, 404, 413)
  async openGameSession(
    @Client() { brandId }: ClientPrincipal,
    @Body() { player_id: playerId, game_id: gameId }: NewGameSessionDto,
  ): Promise<GameSessionDto> {
    return { game_session_id: await this.games.open(brandId, playerId, gameId) };
  }

  /** End a game session. */
  @Delete(':id')
  @RequireScope('players:manage')
  @HttpCode(204)
  @ApiAnswers(204)
  @Problems(404)
  endGameSession(@Client() { brandId }: ClientPrincipal, @Param('id', UuidPipe) id: string): Promise<void> {
    return this.games.end(brandId, id);
  }
}

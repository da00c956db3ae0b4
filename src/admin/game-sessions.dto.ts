import { Matches } from 'class-validator';
import { IsText } from '../common/is-text.js';
import { playerIdPattern } from '../common/player-id.js';

export class NewGameSessionDto {
  /** Whose. */
  @Matches(playerIdPattern, { message: 'player_id must be 1 to 64 letters, digits, _ or -' })
  player_id: string;

  /**
   * The platform's own id of the game.
   * @example starburst
   */
  @IsText(200)
  game_id: string;
}

export class GameSessionDto {
  /** What the in-game status is asked for with, and what the game session is ended by. Shown here and never again. */
  game_session_id: string;
}

import type { EntityManager } from 'typeorm';
import { sha256 } from './common/secrets.js';
import { GameSession } from './database/entities/game-session.entity.js';
import { PlayerActivity } from './database/entities/player-activity.entity.js';
import { EventType } from './players/player-events.service.js';

/** A game that player 1001 has open, for whoever tries the in-game status. */
export const demoGameSession = '5f2b1c9e-3d47-4a86-9b1d-7c0e2f4a6b80';
/** A bonus whose wagering the player has completed. */
export const demoBonus = 'demo-bonus-1';

/** The figures of player 1001: two bets, a win, a deposit, and a bonus that was played through. */
export async function createActivity(manager: EntityManager): Promise<void> {
  const id = { brandId: 1, playerId: '1001' };
  const events = [
    ['demo-deposit-1', EventType.deposit, 4400],
    ['demo-bet-1', EventType.bet, 200],
    ['demo-bet-2', EventType.bet, 300],
    ['demo-win-1', EventType.win, 1200],
    [demoBonus, EventType.wagering_complete, 1200],
  ] as const;
  const at = new Date().toISOString();
  await manager.query('select record_player_events($1, $2, $3, $4, $5, $6, null)', [
    id.brandId,
    id.playerId,
    events.map(([name]) => name),
    events.map(([, type]) => type),
    events.map(([, , amount]) => amount),
    events.map(() => at),
  ]);
  await manager.update(PlayerActivity, id, {
    vipLevel: 'Bronze',
    totalBalance: '93604',
    realBalance: '90604',
    bonusBalance: '3000',
    maxBalance: '93604',
    wageringBalance: '154012',
  });
  await manager.insert(GameSession, {
    ...id,
    idHash: sha256(demoGameSession),
    gameId: 'starburst',
    expiresAt: new Date(Date.UTC(2100, 0)),
    loginAt: new Date(),
    startRounds: '2',
    startBets: '500',
    startWins: '1200',
  });
}

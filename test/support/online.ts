import { expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { registerPlayer, type RegisteredPlayer } from './gateway-players.js';
import type { Answer, CallOptions, TestApp } from './test-app.js';

/** Everything that the online status prints, of a player of whom nobody has told anything. */
export const unknownFigures = {
  marketingSegmentation: '',
  tag_status: 0,
  deposit_count: 0,
  vip_level: '',
  average_deposit: 0,
  billboard: '',
  segmentation_id: 0,
  maxBalance: 0,
  UT: 0,
  decline: '',
  VIP_segment: 0,
  total_balance: 0,
  pending_withdrawal: 0,
  total_withdrawals: 0,
  last_bet: '',
  last_deposit: '',
  last_deposit_amount: 0,
  rounds_since_login: 0,
  balance_since_login: 0,
  playerIdLink: '',
  bonusOptOut: 0,
  real_balance: 0,
  freeTraffic: false,
  depositsAmount: 0,
  chat_opt_out: true,
};
const noBonuses = { bonusBalance: 0, maxWin: 0, wageringBalance: 0, wageringComplete: '' };

/** A body of the online status, letter by letter. */
export function printedStatus(given: Record<string, unknown> = {}): string {
  const all = { ...unknownFigures, ...noBonuses, ...given };
  const { last_bet: lastBet, last_deposit: lastDeposit, real_balance: realBalance } = all;
  const {
    wageringCompleteInfoPath,
    is_missing_player_details = false,
    ...figures
  } = all as Record<string, unknown>;
  return JSON.stringify({
    ...figures,
    ...{ lastBet, lastDeposit, realBalance },
    ...(wageringCompleteInfoPath !== undefined && { wageringCompleteInfoPath }),
    is_missing_player_details,
  });
}

/** The same in a game. */
export function printedInGame(given: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...unknownFigures, ...given });
}

/** Players of brand 2, which asks nobody to sign anything, as the operator's platform and their sites see them. */
export function onlinePlayers(app: TestApp, key: string, brandId = 2) {
  const online = `/gateway/online-player/1.0/player/${brandId}/online`;
  let count = 0;
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    app.call(method, path, { token: key, ...(body !== undefined && { body }) });
  return {
    /** A registered player with a session: its id and token. */
    async create(columns: RegisteredPlayer = {}): Promise<{ id: string; token: string }> {
      const id = `online-${++count}`;
      await registerPlayer(app, id, { brandId, ...columns });
      return { id, token: (await app.openSession(id, key)).auth_token };
    },
    status: (token: string | null, options: CallOptions = {}): Promise<Answer> =>
      app.call('GET', `${online}/status`, { token, ...options }),
    inGame: (gameSession: string, token: string | null = null): Promise<Answer> =>
      app.call('GET', `${online}/ingame/status/${gameSession}`, { token }),
    wagering: (player: string, reference: string, token: string | null): Promise<Answer> =>
      app.call('GET', `/gateway/bonus/1.0/wagering-complete/${brandId}/${player}/${reference}`, { token }),
    put: (id: string, body: unknown): Promise<Answer> =>
      call('PUT', `/internal/players/${id}/activity`, body),
    tell: (id: string, events: unknown): Promise<Answer> =>
      call('POST', `/internal/players/${id}/events`, { events }),
    async openGame(id: string): Promise<string> {
      const answer = await call('POST', '/internal/game-sessions', { player_id: id, game_id: 'starburst' });
      expect(answer.status).toBe(201);
      return answer.as<{ game_session_id: string }>().game_session_id;
    },
    endGame: (id: string): Promise<Answer> => call('DELETE', `/internal/game-sessions/${id}`),
  };
}
export type OnlinePlayers = ReturnType<typeof onlinePlayers>;

/** An event that happened just now, or when it says. */
export function event(type: string, amount: number, more: object = {}): object {
  return { id: randomUUID(), type, amount, at: new Date().toISOString(), ...more };
}

/** An instant as the gateway prints it. */
export const printed = (at: string): string => at.slice(0, 19).replace('T', ' ');

/** Seconds from now on: after every log-in there has been, and not so far ahead that they are refused. */
export function seconds(): (index: number) => string {
  const now = Date.now() + 1000;
  return (index) => new Date(now + index * 1000).toISOString();
}

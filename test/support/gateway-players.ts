import type { TestApp } from './test-app.js';

/** The columns of a fully registered player; all of them the test's to change. */
export interface RegisteredPlayer {
  brandId?: number;
  /** Columns of players. */
  details?: Record<string, unknown>;
  /** Columns of player_credentials. */
  credentials?: Record<string, unknown>;
}

const someDetails = {
  has_details: true,
  first_name: 'Nadya',
  last_name: 'Mag',
  birth_on: '1990-05-17',
  gender: 'F',
  language: 'en',
  country: 'IT',
  city: 'Roma',
  address: 'Via Appia 1',
  zip_postal_code: '00179',
  phone: '39-3123456789',
  currency: 'EUR',
};

/** Makes a player who is registered and has accepted nothing, past the service. */
export async function registerPlayer(
  app: TestApp,
  playerId: string,
  { brandId = 1, details = {}, credentials = {} }: RegisteredPlayer = {},
): Promise<void> {
  const key = { brand_id: brandId, player_id: playerId };
  await insert(app, 'marketing_states', key);
  await insert(app, 'players', { ...key, ...someDetails, ...details });
  const name = `player${playerId}`;
  await insert(app, 'player_credentials', {
    ...key,
    username: name,
    username_key: name,
    email: `${name}@example.com`,
    email_key: `${name}@example.com`,
    email_verified_at: '2026-01-01T00:00:00Z',
    ...credentials,
  });
}

async function insert(app: TestApp, table: string, row: Record<string, unknown>): Promise<void> {
  const columns = Object.keys(row);
  await app.sql(
    `insert into ${table} (${columns.join()}) values (${columns.map((_column, index) => `$${index + 1}`).join()})`,
    Object.values(row),
  );
}

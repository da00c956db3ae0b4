// Players with every detail and a live session, straight into the service's tables.
import { createHash, randomUUID } from 'node:crypto';
import { hash } from '@node-rs/argon2';

/** Of all of them. */
export const PASSWORD = 'Passw0rd1';
/** As the service hashes. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Completes players, all with one password, and gives each a session. Parameters: brand, ids, hash, token hashes, uuids. */
const FILL = [
  `insert into players (brand_id, player_id, language, has_details, first_name, last_name, birth_on, gender, country, city,
     address, zip_postal_code, phone)
   select $1, u.id, 'en', true, 'Jane', 'Doe', '1996-11-02', 'F', 'GB', 'London', '1 High Street', 'SW1A 1AA', '44-7400123456'
   from unnest($2::text[]) as u (id)`,
  `insert into player_credentials (brand_id, player_id, username, username_key, email, email_key, email_verified_at,
     password_hash, registered_at)
   select $1, u.id, 'user' || u.id, 'user' || u.id, u.id || '@example.com', u.id || '@example.com', now(), $3, now()
   from unnest($2::text[]) as u (id)`,
  `insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, expires_at)
   select u.uuid, $1, u.id, u.token, 86400, now() + interval '1 day'
   from unnest($2::text[], $3::bytea[], $4::uuid[]) as u (id, token, uuid)`,
];

/**
 * @param {import('./run.mjs').Bench} bench
 * @param {number} from how many players others have already
 * @returns {Promise<{ids: string[], tokens: string[]}>} the players, and a session of each
 */
export async function fillPlayers({ cluster, service: { database, brandId }, sizes }, from) {
  const { rows } = await cluster.query(
    database,
    'select player_id from marketing_states where brand_id = $1 and is_player order by player_id limit $2 offset $3',
    [brandId, sizes.gatewayPlayers, from],
  );
  const ids = rows.map((row) => row.player_id);
  const tokens = ids.map(() => randomUUID());
  const tokenHashes = tokens.map((token) => createHash('sha256').update(token).digest());
  await cluster.query(database, FILL[0], [brandId, ids]);
  await cluster.query(database, FILL[1], [brandId, ids, await hash(PASSWORD, COST)]);
  await cluster.query(database, FILL[2], [brandId, ids, tokenHashes, ids.map(() => randomUUID())]);
  for (const table of ['players', 'player_credentials', 'sessions']) {
    await cluster.query(database, `vacuum analyze ${table}`);
  }
  return { ids, tokens };
}

// The same players for everybody: the service makes them, the baselines' tables are filled from its.
import { createWriteStream, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finished } from 'node:stream/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { BRAND_ID, PRODUCTS } from './baselines/vocabulary.mjs';

const SCHEMA = readFileSync(join(dirname(fileURLToPath(import.meta.url)), 'baselines/schema.sql'), 'utf8');
const COLUMNS = `player_id, seq, email, sms, telephone, post_mail, site_notification, push_notification, chat,
  excluded, blocked, excluded_until, email_set_at, sms_set_at, telephone_set_at, post_mail_set_at,
  site_notification_set_at, push_notification_set_at, chat_set_at`;

/**
 * Makes the baselines' tables and fills them from the service's, then writes the players' ids to a file.
 * @param {{ownerUrl: string, brandId: number}} service
 * @param {string} idsFile
 * @returns {Promise<number>} how many players there are
 */
export async function fillBaselines({ ownerUrl, brandId }, idsFile) {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    await client.query(SCHEMA);
    await client.query('reset search_path');
    const filled = await client.query(
      `insert into baseline.marketing_states (brand_id, ${COLUMNS})
       select $1, ${COLUMNS} from marketing_states where brand_id = $2 order by player_id`,
      [BRAND_ID, brandId],
    );
    await addBaselineBrand(client, BRAND_ID);
    await client.query('vacuum (analyze) marketing_states');
    await client.query('vacuum (analyze) baseline.marketing_states');
    const ids = client.query(
      copyTo(`copy (select player_id from baseline.marketing_states where brand_id = ${BRAND_ID}) to stdout`),
    );
    await finished(ids.pipe(createWriteStream(idsFile)));
    return filled.rowCount ?? 0;
  } finally {
    await client.end();
  }
}

/** @param {pg.Client} client @param {number} brandId whose products the import script looks up */
export async function addBaselineBrand(client, brandId) {
  await client.query(
    `insert into baseline.brand_products (brand_id, bit, name)
     select $1, n, name from unnest($2::text[]) with ordinality as p (name, n)`,
    [brandId, PRODUCTS],
  );
}

/**
 * Lists how many changes each side has recorded so far.
 * @param {import('./cluster.mjs').Cluster} cluster @param {string} database
 * @returns {Promise<{service: number, baseline: number}>}
 */
export async function countChanges(cluster, database) {
  const { rows } = await cluster.query(
    database,
    `select (select coalesce(sum(seq), 0)::float8 from marketing_states) as service,
       (select coalesce(sum(seq), 0)::float8 from baseline.marketing_states) as baseline`,
  );
  return rows[0];
}

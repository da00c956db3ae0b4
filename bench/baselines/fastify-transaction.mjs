// POST with bare Fastify and pg: the three writes in BEGIN … COMMIT, every statement named, the player's row locked first.
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';
import { BRAND_ID, CHANNEL_BY_NAME, CHANNELS, consentsJson, maskOf } from './vocabulary.mjs';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const app = Fastify();

const LOCK = {
  name: 'lock',
  text: `select seq, email, sms, telephone, post_mail, site_notification, push_notification
    from baseline.marketing_states where brand_id = $1 and player_id = $2 for update`,
};
const CREATE = {
  name: 'create',
  text: 'insert into baseline.marketing_states (brand_id, player_id) values ($1, $2) on conflict do nothing',
};
const UPDATES = new Map(
  CHANNELS.map(({ column }) => [
    column,
    {
      name: `update_${column}`,
      text: `update baseline.marketing_states set seq = $3, ${column} = $4, ${column}_set_at = now()
        where brand_id = $1 and player_id = $2`,
    },
  ]),
);
const EVENT = {
  name: 'event',
  text: `insert into baseline.consent_events
      (brand_id, player_id, seq, recorded_at, occurred_at, act_id, before, after, kind, channel, actor, source)
    values ($1, $2, $3, now(), now(), $4, $5, $6, $7, $8, $9, $10)`,
};
const OUTBOX = {
  name: 'outbox',
  text: 'insert into baseline.outbox (brand_id, player_id, kind, seq) values ($1, $2, 1, $3)',
};

async function lockState(client, playerId) {
  const locked = await client.query({ ...LOCK, values: [BRAND_ID, playerId] });
  if (locked.rows.length > 0) return locked.rows[0];
  await client.query({ ...CREATE, values: [BRAND_ID, playerId] });
  return (await client.query({ ...LOCK, values: [BRAND_ID, playerId] })).rows[0];
}

async function change(client, playerId, { column, code }, mask) {
  const state = await lockState(client, playerId);
  const before = state[column];
  if (before === mask) return state;
  const seq = Number(state.seq) + 1;
  const kind = before === 0 ? 1 : mask === 0 ? 3 : 2;
  await client.query({ ...UPDATES.get(column), values: [BRAND_ID, playerId, seq, mask] });
  const values = [BRAND_ID, playerId, seq, randomUUID(), before, mask, kind, code, 'client:bench', 'api'];
  await client.query({ ...EVENT, values });
  await client.query({ ...OUTBOX, values: [BRAND_ID, playerId, seq] });
  return { ...state, [column]: mask };
}

app.post('/userconsents/:id', async (request, reply) => {
  const [item] = request.body.consents;
  const client = await pool.connect();
  try {
    await client.query('begin');
    const state = await change(client, request.params.id, CHANNEL_BY_NAME.get(item.type), maskOf(item));
    await client.query('commit');
    reply.type('application/json');
    return consentsJson(state);
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));

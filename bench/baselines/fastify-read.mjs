// GET as fast as bare Fastify and pg go: a named prepared statement and hand-written JSON; no authentication, no validation.
import Fastify from 'fastify';
import pg from 'pg';
import { BRAND_ID, consentsJson } from './vocabulary.mjs';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const app = Fastify();

const FIND = {
  name: 'find',
  text: `select email, sms, telephone, post_mail, site_notification, push_notification
    from baseline.marketing_states where brand_id = $1 and player_id = $2`,
};

app.get('/userconsents/:id', async (request, reply) => {
  const { rows } = await pool.query({ ...FIND, values: [BRAND_ID, request.params.id] });
  reply.type('application/json');
  if (rows.length === 0) return reply.code(404).send('{"error":"user not found","code":404}');
  return consentsJson(rows[0]);
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));

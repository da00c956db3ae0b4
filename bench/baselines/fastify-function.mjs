// POST with bare Fastify and pg: the three writes in one SQL function (schema.sql), one round trip, one named statement.
import Fastify from 'fastify';
import pg from 'pg';
import { BRAND_ID, CHANNEL_BY_NAME, consentsJson, maskOf } from './vocabulary.mjs';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const app = Fastify();

const CHANGE = {
  name: 'change',
  text: `select email, sms, telephone, post_mail, site_notification, push_notification
    from baseline.change_consent($1, $2, $3, $4, $5, $6)`,
};

app.post('/userconsents/:id', async (request, reply) => {
  const [item] = request.body.consents;
  const { code } = CHANNEL_BY_NAME.get(item.type);
  const values = [BRAND_ID, request.params.id, code, maskOf(item), 'client:bench', 'api'];
  const { rows } = await pool.query({ ...CHANGE, values });
  reply.type('application/json');
  return consentsJson(rows[0]);
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));

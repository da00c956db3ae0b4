// consent-given as fast as bare Fastify and pg go: a named prepared statement and hand-written JSON; no validation.
import Fastify from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const app = Fastify();

const FIND = {
  name: 'find',
  text: 'select level from baseline.universal_consents where client_id = $1 and reference = $2',
};
const ANSWERS = ['None', 'Partial', 'All'].map((level) => `{"ConsentGiven":"${level}"}`);

app.get('/api/universalconsent/consent-given', async (request, reply) => {
  const { ClientId: clientId, Reference: reference } = request.query;
  const { rows } = await pool.query({ ...FIND, values: [Buffer.from(clientId, 'hex'), reference] });
  reply.type('application/json');
  return ANSWERS[rows.length > 0 ? rows[0].level : 0];
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));

// POST with bare Fastify and pg: the four writes in one SQL function (universal.sql), one round trip, one named statement.
import { createHash, createHmac, randomBytes, randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';
import { BRAND_ID } from './vocabulary.mjs';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const app = Fastify();

const KEY = 'a key of no worth, for the bench alone';
const LEVELS = { None: 0, Partial: 1, All: 2 };
const RECORD = {
  name: 'record',
  text: `select baseline.record_consent($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
    as created_at`,
};

app.post('/api/universalconsent', async (request, reply) => {
  const { ConsentGiven, CustomUserId, Reference, ConsentType, Metadata, URI } = request.body;
  const clientId = createHmac('sha256', KEY).update(`${BRAND_ID}:${CustomUserId}`).digest();
  const uri = URI ?? request.headers.origin ?? null;
  const userAgent = request.headers['user-agent'] ?? null;
  const proxifiedIp = request.ip.replace(/\d+$/, '0');
  const salt = randomBytes(16);
  const evidence = JSON.stringify({ ip: request.ip, user_agent: userAgent, uri });
  const hash = createHash('sha256').update(salt).update(evidence).digest();
  const record = [randomUUID(), Reference, ConsentType, LEVELS[ConsentGiven], uri, Metadata];
  const values = [BRAND_ID, clientId, CustomUserId, ...record, request.ip, proxifiedIp, userAgent];
  const proof = [randomUUID(), salt, evidence, hash, 'client:bench', 'api'];
  const { rows } = await pool.query({ ...RECORD, values: [...values, ...proof] });
  const id = clientId.toString('hex').toUpperCase();
  reply.code(201).type('application/json');
  return `{"Created":"${rows[0].created_at.toISOString()}","ClientId":"${id}"}`;
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));

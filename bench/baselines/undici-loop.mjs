// Tells a CRM of many players as fast as undici alone goes: no outbox, no database, nothing written down.
//   node undici-loop.mjs ORIGIN FILE CONCURRENCY     FILE: one player id a line
import { readFileSync } from 'node:fs';
import { Agent } from 'undici';

const [origin, file, concurrency] = process.argv.slice(2);
const ids = readFileSync(file, 'utf8').trimEnd().split('\n');
// The service's limits, which undici itself keeps here.
const agent = new Agent({
  connections: 128,
  headersTimeout: 15_000,
  bodyTimeout: 15_000,
  keepAliveTimeout: 30_000,
  connect: { timeout: 5000 },
});
let next = 0;

async function tell(userId) {
  const { statusCode, body } = await agent.request({
    origin,
    path: '/v2/integration/user/consents',
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-api-key': 'x' },
    body: JSON.stringify({ user_id: userId, timestamp: new Date().toISOString(), origin: 'bench' }),
  });
  await body.dump({ limit: 16_384 });
  if (statusCode !== 200) throw new Error(`the CRM answers ${statusCode}`);
}

async function drive() {
  while (next < ids.length) {
    const id = ids[next];
    next += 1;
    await tell(id);
  }
}

await Promise.all(Array.from({ length: Number(concurrency) }, drive));
await agent.close();

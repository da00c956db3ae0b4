// Mounted as its "Framework Integration" page has it for Hono, on Node.
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { BASE_PATH, createInstance } from './instance.mjs';

const c15t = createInstance();
const app = new Hono();
app.all(`${BASE_PATH}/*`, (c) => c15t.handler(c.req.raw));

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`);
});

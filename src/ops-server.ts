import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify } from 'fastify';
import type { Config } from './config/config.js';
import { HealthService } from './health/health.service.js';

/** Serves /health and /metrics on OPS_PORT, which only the operator's network should reach. Answers how to stop it. */
export async function startOpsServer(
  app: NestFastifyApplication,
  config: Config,
): Promise<() => Promise<void>> {
  const health = app.get(HealthService);
  const server = fastify({ forceCloseConnections: true });
  server.get('/health/live', async () => ({ status: 'ok' }));
  server.get('/health/ready', async (_request, reply) => {
    const { ready, checks } = await health.readiness();
    return reply.status(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', checks });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await health.registry.metrics()),
  );
  await server.listen({ host: config.HOST, port: config.OPS_PORT ?? 0 });
  return async () => {
    await server.close();
  };
}

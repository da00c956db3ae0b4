// Exits 0 while the service in this container lives: the image has no curl.
const { HOST = '127.0.0.1', PORT = '3000', OPS_PORT, PATH_PREFIX = '' } = process.env;
const host = ['0.0.0.0', '::'].includes(HOST) ? '127.0.0.1' : HOST;
const base = OPS_PORT ? `http://${host}:${OPS_PORT}` : `http://${host}:${PORT}${PATH_PREFIX}`;
try {
  const answer = await fetch(`${base}/health/live`, { signal: AbortSignal.timeout(4000) });
  process.exitCode = answer.ok ? 0 : 1;
} catch {
  process.exitCode = 1;
}

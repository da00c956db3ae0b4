// Posts to the addresses of its command line in a process of its own, whose environment the test chose.
import { register } from 'node:module';

register('../support/typescript-loader.mjs', import.meta.url);
const { parseAllowedSubnets } = await import('../../src/delivery/webhooks/address-rules.ts');
const { GuardedClient } = await import('../../src/delivery/webhooks/guarded-client.ts');

const client = new GuardedClient({ allowed: parseAllowedSubnets('127.0.0.0/8') });
for (const url of process.argv.slice(2)) {
  const posted = client.post(url, {}, 'text');
  console.log(
    await posted.then(
      ({ status }) => status,
      ({ reason, code }) => `${reason} ${code}`,
    ),
  );
}
await client.close();

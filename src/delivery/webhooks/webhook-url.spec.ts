import { describe, expect, it } from '@jest/globals';
import { parseAllowedSubnets } from './address-rules.js';
import type { ResolveName } from './resolve-name.js';
import { checkWebhookUrl, WebhookUrlRefused, type WebhookUrlRules } from './webhook-url.js';

const names: Record<string, string[]> = {
  'public.example': ['8.8.8.8', '2001:4860:4860::8888'],
  'public.example.': ['8.8.8.8'],
  'xn--bcher-kva.example': ['8.8.8.8'],
  'inside.example': ['10.1.2.3'],
  'mixed.example': ['8.8.8.8', '2001:4860:4860::8888', 'fd00::7'],
  'empty.example': [],
};
const asked: string[] = [];
const resolve: ResolveName = async (name) => {
  asked.push(name);
  const addresses = names[name];
  if (!addresses) throw Object.assign(new Error('queryA ENOTFOUND 10.0.0.53'), { code: 'ENOTFOUND' });
  return addresses;
};
const rules: WebhookUrlRules = { requireHttps: false, allowed: [], resolve };

async function refusalOf(text: string, changed: Partial<WebhookUrlRules> = {}): Promise<string> {
  const error: unknown = await checkWebhookUrl(text, { ...rules, ...changed }).catch(
    (thrown: unknown) => thrown,
  );
  if (error instanceof WebhookUrlRefused) return error.message;
  throw error instanceof Error ? error : new Error(`${text} was taken`);
}

const notAnAddress = 'WebhookUrl must be an http or https address, such as https://example.com/webhooks';
const notHttps = 'WebhookUrl must be an https address, such as https://example.com/webhooks';
const notPublic =
  'WebhookUrl must lead to a public address: webhooks are not sent to loopback, private or reserved ones';
const unresolved = 'WebhookUrl: the name of its host cannot be resolved';

describe('checkWebhookUrl', () => {
  it.each([
    ['https://public.example/hooks?a=b', 'https://public.example/hooks?a=b'],
    ['http://public.example:8080/', 'http://public.example:8080/'],
    ['HTTPS://PUBLIC.example', 'https://public.example/'],
    ['https://public.example./x', 'https://public.example./x'],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
    ['https://public.example/x#part', 'https://public.example/x'],
    ['https://8.8.8.8/', 'https://8.8.8.8/'],
    ['https://134744072/', 'https://8.8.8.8/'],
    ['https://[2001:4860:4860::8888]/', 'https://[2001:4860:4860::8888]/'],
  ])('takes %s', async (text, taken) => expect((await checkWebhookUrl(text, rules)).href).toBe(taken));

  it.each(['', ' ', 'hooks', '/hooks', '//public.example', 'https://', 'http:', 'https:///', 'https://:80'])(
    'wants an address, not %j',
    async (text) => expect(await refusalOf(text)).toBe(notAnAddress),
  );

  it.each(['ftp', 'file', 'ws', 'wss', 'gopher', 'data', 'javascript', 'httpss', 'unix', 'blob:http'])(
    'does not take %s:',
    async (scheme) => expect(await refusalOf(`${scheme}://public.example/`)).toBe(notAnAddress),
  );

  it('takes https only where it is required', async () => {
    expect(await refusalOf('http://public.example/', { requireHttps: true })).toBe(notHttps);
    expect(await refusalOf('ftp://public.example/', { requireHttps: true })).toBe(notHttps);
    const taken = await checkWebhookUrl('https://public.example/', { ...rules, requireHttps: true });
    expect(taken.protocol).toBe('https:');
  });

  it.each(['user@', 'user:password@', ':password@', 'a@b@', '%75ser@', 'public.example@'])(
    'takes no credentials: %s',
    async (credentials) =>
      expect(await refusalOf(`https://${credentials}public.example/`)).toBe(
        'WebhookUrl must not hold a user name or a password',
      ),
  );

  it('takes 2048 characters, as they are given and as they are sent', async () => {
    const start = 'https://public.example/';
    const tooLong = 'WebhookUrl must not be longer than 2048 characters';
    const fits = start + 'x'.repeat(2048 - start.length);
    expect((await checkWebhookUrl(fits, rules)).href).toBe(fits);
    expect(await refusalOf(`${fits}x`)).toBe(tooLong);
    expect(await refusalOf(start + 'ä'.repeat(1000))).toBe(tooLong);
    expect(await refusalOf('x'.repeat(1_000_000))).toBe(tooLong);
  });
});

describe('the host of a webhook', () => {
  it('is judged by every address of its name, and tells none', async () => {
    for (const host of ['inside.example', 'mixed.example', '10.1.2.3', '[fd00::7]', '0xa010203', '[::1]'])
      expect(await refusalOf(`https://${host}/`)).toBe(notPublic);
    for (const host of ['unknown.example', 'empty.example'])
      expect(await refusalOf(`https://${host}/`)).toBe(unresolved);
  });

  it('asks for names only, once each', async () => {
    asked.length = 0;
    await checkWebhookUrl('https://8.8.8.8/', rules);
    await refusalOf('https://[::1]/');
    expect(asked).toEqual([]);
    await checkWebhookUrl('https://Public.Example/', rules);
    expect(asked).toEqual(['public.example']);
  });

  it('takes an inner address that a subnet allows', async () => {
    const allowed = parseAllowedSubnets('10.0.0.0/8,::1/128');
    for (const host of ['inside.example', '10.1.2.3', '[::1]'])
      expect(await checkWebhookUrl(`https://${host}/`, { ...rules, allowed })).toBeInstanceOf(URL);
    expect(await refusalOf('https://mixed.example/', { allowed })).toBe(notPublic);
  });

  it('does not wait for a name server that never answers', async () => {
    const changed = { resolve: () => new Promise<string[]>(() => undefined), resolveTimeoutMs: 20 };
    expect(await refusalOf('https://public.example/', changed)).toBe(unresolved);
  });
});

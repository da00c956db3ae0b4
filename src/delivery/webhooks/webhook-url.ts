import { isIP } from 'node:net';
import { type AllowedSubnets, isForbiddenAddress } from './address-rules.js';
import { makeResolver, type ResolveName } from './resolve-name.js';

const maxLength = 2048;
const resolveName = makeResolver();

export interface WebhookUrlRules {
  requireHttps: boolean;
  allowed: AllowedSubnets;
  resolve?: ResolveName;
  /** Milliseconds after which a name counts as one that does not resolve. */
  resolveTimeoutMs?: number;
}

/** A webhook's address cannot be taken. The message says why and never what a name resolves to. */
export class WebhookUrlRefused extends Error {}

/** What can be judged without asking anybody; throws WebhookUrlRefused. The URL comes without its fragment. */
export function parseWebhookUrl(text: string, requireHttps: boolean): URL {
  const url = text.length <= maxLength && URL.canParse(text) ? new URL(text) : undefined;
  if (text.length > maxLength || (url?.href.length ?? 0) > maxLength)
    throw new WebhookUrlRefused(`WebhookUrl must not be longer than ${maxLength} characters`);
  const protocols = requireHttps ? ['https:'] : ['https:', 'http:'];
  if (!url || !protocols.includes(url.protocol))
    throw new WebhookUrlRefused(
      `WebhookUrl must be an ${requireHttps ? 'https' : 'http or https'} address, such as https://example.com/webhooks`,
    );
  if (url.username !== '' || url.password !== '')
    throw new WebhookUrlRefused('WebhookUrl must not hold a user name or a password');
  url.hash = '';
  return url;
}

/**
 * Judges a stranger's address before it is stored; every connection judges again (GuardedClient).
 * Throws WebhookUrlRefused.
 */
export async function checkWebhookUrl(text: string, rules: WebhookUrlRules): Promise<URL> {
  const url = parseWebhookUrl(text, rules.requireHttps);
  const addresses = await addressesOf(url, rules);
  if (addresses.some((address) => isForbiddenAddress(address, rules.allowed)))
    throw new WebhookUrlRefused(
      'WebhookUrl must lead to a public address: webhooks are not sent to loopback, private or reserved ones',
    );
  return url;
}

async function addressesOf(url: URL, rules: WebhookUrlRules): Promise<string[]> {
  // Whatever the spelling was, the parsed URL holds an address only in its canonical form.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0) return [host];
  const { resolve = resolveName, resolveTimeoutMs = 5000 } = rules;
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<string[]>((done) => {
    timer = setTimeout(done, resolveTimeoutMs, []);
  });
  const addresses = await Promise.race([resolve(host).catch(() => []), tooLate]);
  clearTimeout(timer);
  if (addresses.length === 0)
    throw new WebhookUrlRefused('WebhookUrl: the name of its host cannot be resolved');
  return addresses;
}

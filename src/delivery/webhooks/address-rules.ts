import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Networks that webhooks may be sent to although they are not public. */
export type AllowedSubnets = readonly (readonly [network: Address, prefixLength: number])[];

/** RFC 4291: nothing outside it is handed out as global unicast. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
/** RFC 6052: a v4 address as a network with DNS64 spells it, so every v4 receiver has one there. */
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');
/** Looks public, and is the platform's own inside every Azure network. */
const azurePlatform = ipaddr.IPv4.parseCIDR('168.63.129.16/32');

/**
 * Reads WEBHOOK_ALLOWED_SUBNETS: CIDRs separated by commas, nothing allowed when empty.
 * Throws an Error that names the entry that is none.
 */
export function parseAllowedSubnets(text: string): AllowedSubnets {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map(parseSubnet);
}

function parseSubnet(entry: string): [Address, number] {
  const [, text = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  const network = parseAddress(text);
  const prefixLength = Number(bits);
  if (!network || prefixLength > (network.kind() === 'ipv4' ? 32 : 128))
    throw new Error(`WEBHOOK_ALLOWED_SUBNETS: "${entry}" is not a subnet such as 10.0.0.0/8 or fd00::/8`);
  const first = firstAddress(network, prefixLength);
  // 10.1.2.3/8 is more likely a slip for one machine than a wish for sixteen million.
  if (first !== network.toString())
    throw new Error(
      `WEBHOOK_ALLOWED_SUBNETS: "${entry}" is no network, did you mean ${first}/${prefixLength}?`,
    );
  return [network, prefixLength];
}

function firstAddress(network: Address, prefixLength: number): string {
  const family = network.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
  return family.networkAddressFromCIDR(`${network.toString()}/${prefixLength}`).toString();
}

/** Null for every spelling that the kernel would not take, and for a zone, which is a link of this machine. */
function parseAddress(text: string): Address | null {
  const version = text.includes('%') ? 0 : isIP(text);
  if (version === 4) return ipaddr.IPv4.parse(text);
  // ipaddr.js takes ::127.0.0.1 for ::ffff:127.0.0.1; in hexadecimal, as a URL spells it, it reads them apart.
  return version === 6 ? ipaddr.IPv6.parse(new URL(`http://[${text}]`).hostname.slice(1, -1)) : null;
}

/**
 * Whether no webhook may be sent to this address. What is not plainly public is forbidden, whether a rule names it or
 * not, and so is what is no address at all; an allowed subnet lifts that.
 */
export function isForbiddenAddress(address: string, allowed: AllowedSubnets): boolean {
  const given = parseAddress(address);
  if (!given) return true;
  // The kernel connects a mapped address as the v4 that it holds.
  const parsed = ipaddr.process(given.toString());
  const isAllowed = allowed.some(
    ([network, prefixLength]) => network.kind() === parsed.kind() && parsed.match(network, prefixLength),
  );
  return !isAllowed && !isPublic(parsed);
}

function isPublic(address: Address): boolean {
  if (address.kind() === 'ipv4') return address.range() === 'unicast' && !address.match(azurePlatform);
  if (address.match(nat64)) return isPublic(ipaddr.fromByteArray(address.toByteArray().slice(12)));
  return address.range() === 'unicast' && address.match(globalUnicast);
}

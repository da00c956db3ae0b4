import { isIPv4 } from 'node:net';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

/** Some gateways write the port behind an address. */
const withPort = /^(?:(\d{1,3}(?:\.\d{1,3}){3})|\[([^\]]+)\]):\d{1,5}$/;

/** An address, an IPv4 one out of its IPv6 dress; null for what is none (a forwarding header can hold anything). */
export function parseAddress(text: string): IPv4 | IPv6 | null {
  const [, v4, v6] = withPort.exec(text) ?? [];
  const address = v4 ?? v6 ?? text;
  return ipaddr.isValid(address) ? ipaddr.process(address) : null;
}

/** The network that an address belongs to: /24, or /48 of IPv6. */
export function networkOf(address: IPv4 | IPv6): string {
  if ('octets' in address) return [...address.octets.slice(0, 3), 0].join('.');
  return new ipaddr.IPv6([...address.parts.slice(0, 3), 0, 0, 0, 0, 0]).toString();
}

/** An address as it is stored: whole, or its network where a brand does not keep whole ones; undefined for what is none. */
export function storedAddress(text: string, inFull: boolean): string | undefined {
  const address = parseAddress(text);
  if (!address) return undefined;
  return inFull ? address.toString() : networkOf(address);
}

/** Whom a limit counts: an IPv4 address, or the /64 that a customer of IPv6 has for itself; what is no address is one caller. */
export function callerNetwork(address: string): string {
  // What a socket that listens on both families says of IPv4: by far the most, and 5 µs to parse.
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  if (isIPv4(plain)) return plain;
  const parsed = parseAddress(address);
  if (!parsed) return '';
  return 'octets' in parsed ? parsed.toString() : parsed.parts.slice(0, 4).join(':');
}

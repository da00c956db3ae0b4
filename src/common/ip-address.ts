import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address cut to the network it belongs to, /24 or /48, as stored where a brand does not keep full addresses. */
export function truncateAddress(address: string): string {
  if (!ipaddr.isValid(address)) return '';
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4'
    ? ipaddr.IPv4.networkAddressFromCIDR(`${parsed.toString()}/24`).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/48`).toString();
}

/** An address as it is stored; undefined for what is none (a forwarding header can hold anything). */
export function storedAddress(address: string, inFull: boolean): string | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  return inFull ? ipaddr.process(address).toString() : truncateAddress(address);
}

/** Whom a limit counts: an IPv4 address, or the /64 that a customer of IPv6 has for itself; what is no address is one caller. */
export function callerNetwork(address: string): string {
  // What a socket that listens on both families says of IPv4: by far the most, and 5 µs to parse.
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  if (isIPv4(plain)) return plain;
  if (!ipaddr.isValid(address)) return '';
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return (parsed as ipaddr.IPv6).parts.slice(0, 4).join(':');
}

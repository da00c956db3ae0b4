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

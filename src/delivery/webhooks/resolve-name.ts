import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';

/** Every address of a host name, v4 and v6; rejects, or answers none, when there is none. */
export type ResolveName = (hostname: string) => Promise<string[]>;

export interface NameSources {
  /** Addresses of name servers; default: those of this machine. */
  servers?: string[];
  hostsFile?: string;
  /** Milliseconds before a name server is asked once more, and then waited for twice as long. */
  timeoutMs?: number;
}

/**
 * Asks the hosts file, then the name servers. Not dns.lookup: that has two threads for the whole process, and ten names
 * whose servers are silent hold up everybody else's for 50 s.
 */
export function makeResolver(sources: NameSources = {}): ResolveName {
  const resolver = new Resolver({ timeout: sources.timeoutMs ?? 1500, tries: 2 });
  if (sources.servers) resolver.setServers(sources.servers);
  return async (hostname) => {
    const name = hostname.replace(/\.$/, '').toLowerCase();
    // RFC 6761: nobody else is asked for these.
    if (name === 'localhost' || name.endsWith('.localhost')) return ['127.0.0.1', '::1'];
    const addresses = await findInHostsFile(name, sources.hostsFile ?? '/etc/hosts');
    if (addresses.length > 0) return addresses;
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    // Many a name server knows how to answer for one family only.
    if (v4.status === 'rejected' && v6.status === 'rejected') throw v4.reason;
    return [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };
}

async function findInHostsFile(name: string, file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/);
    return names.includes(name) ? [address] : [];
  });
}

import { domainToASCII } from 'node:url';

/**
 * What a user name or an e-mail address is compared by: neither case nor Unicode's ways of writing the same letter make
 * another one, and neither does the domain in ASCII (`xn--…`).
 */
export function identityKey(text: string): string {
  // Upper case first: ß and SS are one, as are the two small sigmas.
  const key = text.trim().normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
  const at = key.lastIndexOf('@') + 1;
  if (at === 0 || !/\P{ASCII}/u.test(key.slice(at))) return key;
  // What is no domain has no other form.
  return key.slice(0, at) + (domainToASCII(key.slice(at)) || key.slice(at));
}

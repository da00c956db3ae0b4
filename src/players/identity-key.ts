/**
 * What a user name or an e-mail address is compared by: neither case nor Unicode's ways of writing the same letter make
 * another one.
 */
export function identityKey(text: string): string {
  // Upper case first: ß and SS are one, as are the two small sigmas.
  return text.trim().normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

import { createRequire } from 'node:module';
import { domainToASCII, domainToUnicode } from 'node:url';
import { isEmail, isIP } from 'class-validator';
import mailchecker from 'mailchecker';
import { identityKey } from './identity-key.js';

const maxLength = 254;
const topLevelDomains = new Set(createRequire(import.meta.url)('tlds') as string[]);
const testPlayers = 'qqtst_';

/** What an address may lack, in the order it is said. `email_already_exists` is the database's to say. */
export type EmailCode =
  | 'email_required'
  | 'email_long'
  | 'email_syntax_error'
  | 'invalid_email'
  | 'email_fraud'
  | 'email_already_exists';

/**
 * Every rule that an address breaks by itself.
 * @param userName of the player: addresses of test players are not looked up among the throw-away ones
 * @param fraudDomains domains that the brand does not take, beside those that everybody knows
 * @param takesThrowAway whether those that everybody knows are taken, and only the brand's own list counts
 */
export function brokenEmailRules(
  email: string,
  userName: string,
  fraudDomains: readonly string[],
  takesThrowAway = false,
): EmailCode[] {
  const address = email.trim();
  if (address === '') return ['email_required'];
  const codes: EmailCode[] = [];
  if (address.length > maxLength) codes.push('email_long');
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  const literal = /^\[(?:IPv6:)?([^\]]*)\]$/i.exec(domain)?.[1];
  if (!hasSyntax(literal === undefined ? address : `${address.slice(0, at)}example.com`, literal)) {
    return [...codes, 'email_syntax_error'];
  }
  // No mail leaves for a name in quotes.
  if (literal !== undefined || address.startsWith('"') || !isPossible(domain)) codes.push('invalid_email');
  if (!identityKey(userName).startsWith(testPlayers) && isFraud(domain, fraudDomains, takesThrowAway))
    codes.push('email_fraud');
  return codes;
}

function hasSyntax(address: string, literal: string | undefined): boolean {
  if (literal !== undefined && !isIP(literal)) return false;
  // What nobody sees makes one address look like another.
  if (/\p{Cf}/u.test(address)) return false;
  // What is too long as a whole is said to be so, and not also for its parts.
  return isEmail(address, { require_tld: false, ignore_max_length: address.length > maxLength });
}

function isPossible(domain: string): boolean {
  const labels = domainToUnicode(domain).toLowerCase().split('.');
  return labels.length > 1 && topLevelDomains.has(labels.at(-1) ?? '');
}

/** The domain itself, or one that it lies under. */
function isFraud(domain: string, fraudDomains: readonly string[], takesThrowAway: boolean): boolean {
  const labels = domainToASCII(domain).toLowerCase().split('.');
  return labels.some((_label, index) => {
    const parent = labels.slice(index).join('.');
    return fraudDomains.includes(parent) || (!takesThrowAway && mailchecker.blacklist().has(parent));
  });
}

import { isISO4217CurrencyCode, isISO6391 } from 'class-validator';
import type { BrandFacts } from '../brands/brand-settings.js';
import { brokenEmailRules } from './email-rules.js';
import { brokenPasswordRules } from './password-rules.js';
import { brokenUsernameRules } from './username-rules.js';

/** A rule that a field of a request breaks. */
export interface FieldCode {
  field: string;
  errorCode: string;
}

/** Who registers, as the form says. */
export interface NewPlayer {
  loginName: string;
  email: string;
  password: string;
  isOver18: boolean;
  signsTerms: boolean;
  /** What the form says of marketing; no consent rests on it. */
  signsOptOut: boolean | null;
  language: string;
  currency: string;
  bTag: string | null;
  bonusCode: string | null;
  affiliateParameter: string | null;
}

const chosen = (value: string, isKnown: boolean, name: string): string[] => {
  if (value === '') return [`${name}_required`];
  return isKnown ? [] : [`invalid_${name}`];
};

/** Every rule that a registration breaks by itself, in the order of its fields. */
export function brokenRegistrationRules(
  player: NewPlayer,
  { passwordMaxLength, fraudEmailDomains }: BrandFacts,
): FieldCode[] {
  const { loginName, email, password, language, currency } = player;
  const codes: Record<string, readonly string[]> = {
    loginName: brokenUsernameRules(loginName),
    email: brokenEmailRules(email, loginName, fraudEmailDomains),
    password: brokenPasswordRules(password, passwordMaxLength, [loginName, email]),
    over18: player.isOver18 ? [] : ['over18_required'],
    signTNC: player.signsTerms ? [] : ['sign_tnc_required'],
    language: chosen(language, isISO6391(language), 'language'),
    currency: chosen(currency, /^[A-Z]{3}$/.test(currency) && isISO4217CurrencyCode(currency), 'currency'),
  };
  return Object.entries(codes).flatMap(([field, broken]) =>
    broken.map((errorCode) => ({ field, errorCode })),
  );
}

import { identityKey } from './identity-key.js';

const minLength = 8;
const minDifferent = 4;

/** What a password may lack, in the order it is said. */
export const passwordCodes = [
  'password_short',
  'password_long',
  'password_match_user_name',
  'password_same_letters',
  'password_mix_characters',
] as const;
export type PasswordCode = (typeof passwordCodes)[number];

/** Every rule that a new password breaks; `names` are the player's user name and e-mail address, as far as there are any. */
export function brokenPasswordRules(
  password: string,
  maxLength: number,
  names: readonly (string | null | undefined)[],
): PasswordCode[] {
  const characters = [...password.normalize('NFC')];
  const key = identityKey(password);
  const isBroken: Record<PasswordCode, boolean> = {
    password_short: characters.length < minLength,
    password_long: characters.length > maxLength,
    password_match_user_name: names.some((name) => !!name && key.includes(identityKey(name))),
    password_same_letters: new Set(characters).size < minDifferent,
    password_mix_characters: !/\p{L}/u.test(password) || !/\p{Nd}/u.test(password),
  };
  return passwordCodes.filter((code) => isBroken[code]);
}

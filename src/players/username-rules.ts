const minLength = 3;
const maxLength = 64;
/** No @: a name must not be another player's address. */
const form = /^[\p{L}\p{M}\p{N}._+-]+$/u;

/** What a user name may lack, in the order it is said. `login_name_already_exists` is the database's to say. */
export type UsernameCode =
  | 'login_name_required'
  | 'login_name_short'
  | 'login_name_long'
  | 'login_name_syntax_error'
  | 'login_name_already_exists';

/** Every rule that a user name breaks by itself. */
export function brokenUsernameRules(username: string): UsernameCode[] {
  const characters = [...username.trim().normalize('NFKC')];
  if (characters.length === 0) return ['login_name_required'];
  const codes: UsernameCode[] = [];
  if (characters.length < minLength) codes.push('login_name_short');
  if (characters.length > maxLength) codes.push('login_name_long');
  if (!form.test(characters.join(''))) codes.push('login_name_syntax_error');
  return codes;
}

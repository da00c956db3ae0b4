import type { EntityManager } from 'typeorm';
import { Player } from './database/entities/player.entity.js';
import { PlayerCredentials } from './database/entities/player-credentials.entity.js';
import { identityKey } from './players/identity-key.js';
import type { PasswordHasher } from './players/password-hasher.js';

/** What the players of the demo log in with, as `player1001` and so on. */
export const demoPassword = 'Passw0rd1';

type Person = Pick<
  Player,
  'firstName' | 'lastName' | 'birthOn' | 'gender' | 'country' | 'city' | 'address' | 'zipPostalCode' | 'phone'
>;

const person = (
  name: string,
  birthOn: string,
  gender: 'F' | 'M',
  place: [country: string, city: string, address: string, zipPostalCode: string],
  phone: string,
): Person => {
  const [firstName = '', lastName = ''] = name.split(' ');
  const [country, city, address, zipPostalCode] = place;
  return { firstName, lastName, birthOn, gender, country, city, address, zipPostalCode, phone };
};

const people: Record<string, Person> = {
  '1001': person(
    'Ada Demo',
    '1985-12-10',
    'F',
    ['GB', 'London', '1 Sample Street', 'EC1A 1AA'],
    '44-7400123451',
  ),
  '1002': person(
    'Ben Demo',
    '1990-01-31',
    'M',
    ['GB', 'Leeds', '2 Sample Street', 'LS1 1AA'],
    '44-7400123452',
  ),
  '1003': person(
    'Cleo Demo',
    '1996-02-29',
    'F',
    ['MT', 'Valletta', '3 Sample Street', 'VLT 1117'],
    '356-21001234',
  ),
  '1004': person('Dan Demo', '1978-07-04', 'M', ['DE', 'Berlin', 'Musterweg 4', '10115'], '49-15123456789'),
  '1005': person(
    'Eve Demo',
    '2000-05-05',
    'F',
    ['IE', 'Dublin', '5 Sample Street', 'D01 F5P2'],
    '353-850123456',
  ),
};

/** Completes players of brand 1: every detail filled, and a log-in whose e-mail address is verified. */
export async function completePlayers(manager: EntityManager, hasher: PasswordHasher): Promise<void> {
  const at = new Date();
  const passwordHash = await hasher.hash(demoPassword);
  for (const [playerId, details] of Object.entries(people)) {
    await manager.update(Player, { brandId: 1, playerId }, { ...details, hasDetails: true, bTag: 'demo' });
    const username = `player${playerId}`;
    const email = `${username}@example.com`;
    await manager.insert(PlayerCredentials, {
      brandId: 1,
      playerId,
      username,
      usernameKey: identityKey(username),
      email,
      emailKey: identityKey(email),
      emailVerifiedAt: at,
      passwordHash,
      passwordChangedAt: at,
      registeredAt: at,
    });
  }
}

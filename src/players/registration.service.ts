import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import type { Fingerprint } from '../auth/fingerprint.service.js';
import { SessionsService } from '../auth/sessions.service.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCredentials } from '../database/entities/player-credentials.entity.js';
import { ActivationService } from './activation.service.js';
import { takenName } from './credentials.service.js';
import { identityKey } from './identity-key.js';
import { PasswordHasher } from './password-hasher.js';
import { brokenRegistrationRules, type FieldCode, type NewPlayer } from './registration-rules.js';
import { TermsSigningService } from './terms-signing.service.js';

/** What came of a registration: a player with a first session, or the rules that it breaks. */
export type Registered = { playerId: string; token: string } | { broken: FieldCode[] };

const takenCodes = {
  username: { field: 'loginName', errorCode: 'login_name_already_exists' },
  email: { field: 'email', errorCode: 'email_already_exists' },
} satisfies Record<string, FieldCode>;

/** Parameters: brand, keys of user name and address. */
const findTaken = `
  select exists (select from player_credentials where brand_id = $1 and username_key = $2) as username,
    exists (select from player_credentials where brand_id = $1 and email_key = $3) as email`;

/** The next number that is nobody's id yet. */
const createNumbered = `
  insert into marketing_states (brand_id, player_id) select $1, nextval('player_numbers')::text
  on conflict do nothing returning player_id`;

/** The first step of registration: a player with a name, an address, a password and signed terms. */
@Injectable()
export class RegistrationService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly hasher: PasswordHasher,
    private readonly sessions: SessionsService,
    private readonly terms: TermsSigningService,
    private readonly activation: ActivationService,
  ) {}

  /** Creates the player, or nothing. No marketing consent is given by it. too_many_requests while too many passwords are hashed. */
  register(brand: BrandSettings, player: NewPlayer, fingerprint: Fingerprint): Promise<Registered> {
    return this.hasher.admit(async () => {
      const broken = [
        ...brokenRegistrationRules(player, brand.facts),
        ...(await this.findTaken(brand.id, player)),
      ];
      if (broken.length > 0) return { broken: inOrder(broken) };
      const passwordHash = await this.hasher.hash(player.password);
      return this.create(brand, player, passwordHash, fingerprint);
    });
  }

  private async findTaken(brandId: number, { loginName, email }: NewPlayer): Promise<FieldCode[]> {
    const keys = [brandId, identityKey(loginName), identityKey(email)];
    const [taken] = await this.dataSource.query<[{ username: boolean; email: boolean }]>(findTaken, keys);
    return (['username', 'email'] as const).flatMap((name) => (taken[name] ? [takenCodes[name]] : []));
  }

  private async create(
    brand: BrandSettings,
    player: NewPlayer,
    passwordHash: string,
    fingerprint: Fingerprint,
  ): Promise<Registered> {
    try {
      const registered = await this.dataSource.transaction(async (manager) => {
        const playerId = await createPlayer(manager, brand.id);
        const id = { brandId: brand.id, playerId };
        const { language, currency, bTag } = player;
        await manager.insert(Player, { ...id, language, currency, bTag });
        await manager.insert(PlayerCredentials, { ...id, ...toCredentials(player, passwordHash) });
        await this.terms.sign(id, 'TermsOfService', language, fingerprint, manager);
        const session = await this.sessions.openOwn(brand, playerId, passwordHash, manager);
        if (!session) throw new Error('a new player got no session');
        await this.activation.begin(manager, brand, { playerId, address: player.email.trim(), language });
        return { playerId, token: session.token };
      });
      this.activation.announce(brand.id);
      return registered;
    } catch (error) {
      // Somebody else has taken the name since we looked.
      const taken = takenName(error);
      if (taken) return { broken: [takenCodes[taken]] };
      throw error;
    }
  }
}

async function createPlayer(manager: EntityManager, brandId: number): Promise<string> {
  await manager.query('select pg_advisory_xact_lock_shared(2001, $1)', [brandId]);
  for (;;) {
    const [row] = await manager.query<{ player_id: string }[]>(createNumbered, [brandId]);
    if (row) return row.player_id;
  }
}

function toCredentials(player: NewPlayer, passwordHash: string): Partial<PlayerCredentials> {
  return {
    username: player.loginName.trim(),
    usernameKey: identityKey(player.loginName),
    email: player.email.trim(),
    emailKey: identityKey(player.email),
    passwordHash,
    passwordChangedAt: new Date(),
    signedOptOut: player.signsOptOut,
    bonusCode: player.bonusCode,
    affiliateParameter: player.affiliateParameter,
  };
}

const fieldOrder = ['loginName', 'email', 'password', 'over18', 'signTNC', 'language', 'currency'];

/** What is taken stands with the other rules of its field. */
function inOrder(codes: FieldCode[]): FieldCode[] {
  return codes.sort((a, b) => fieldOrder.indexOf(a.field) - fieldOrder.indexOf(b.field));
}

import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { IsNull, type Repository } from 'typeorm';
import { AppError, invalidField } from '../common/errors.js';
import { ShortMemory } from '../common/short-memory.js';
import { toWebOrigin } from '../common/web-origin.js';
import { Database } from '../database/database.js';
import { Integration } from '../database/entities/integration.entity.js';

const idPattern = /^int_[A-Za-z0-9_-]{1,100}$/;

const findById = {
  name: 'find_integration',
  text: 'select id, brand_id, origins from integrations where id = $1 and revoked_at is null',
};

/** Who may send consents under an id alone, and from which pages. */
export interface KnownIntegration {
  id: string;
  brandId: number;
  /** The pages that may use the id; none means any. */
  origins: readonly string[];
}

/** Creates, finds and revokes integrations. Known ones are remembered for 5 s; a revocation here is seen at once. */
@Injectable()
export class IntegrationsService {
  private readonly memory = new ShortMemory<string, KnownIntegration>();

  constructor(
    private readonly database: Database,
    @InjectRepository(Integration) private readonly integrations: Repository<Integration>,
  ) {}

  /** The integration of any brand that has this id and is not revoked, or null. */
  async find(id: string): Promise<KnownIntegration | null> {
    return idPattern.test(id) ? this.memory.find(id, () => this.read(id)) : null;
  }

  /** A new integration of the brand. Origins are kept as browsers print them; invalid_input names one that is none. */
  async create(brandId: number, name: string, origins: string[]): Promise<{ id: string }> {
    const known = origins.map((text, index) => {
      const origin = toWebOrigin(text);
      if (origin !== null) return origin;
      const field = `Origins[${index}]`;
      throw invalidField(field, `${field} must be the origin of a page, such as https://shop.example`);
    });
    const id = `int_${randomBytes(16).toString('base64url')}`;
    await this.integrations.insert({ id, brandId, name, origins: [...new Set(known)] });
    return { id };
  }

  /** The brand's integrations that are not revoked, by id. */
  list(brandId: number): Promise<Integration[]> {
    return this.integrations.find({ where: { brandId, revokedAt: IsNull() }, order: { id: 'ASC' } });
  }

  /** Revokes an integration of the brand: at once here, within 5 s on other instances. not_found when there is none. */
  async revoke(brandId: number, id: string): Promise<void> {
    const { affected } = idPattern.test(id)
      ? await this.integrations.update({ brandId, id, revokedAt: IsNull() }, { revokedAt: new Date() })
      : {};
    if (!affected) throw new AppError('not_found', 'there is no such integration');
    this.memory.forget(id);
  }

  private async read(id: string): Promise<KnownIntegration | null> {
    const [row] = await this.database.prepared<{ id: string; brand_id: number; origins: string[] }>(
      findById,
      [id],
    );
    return row ? { id: row.id, brandId: row.brand_id, origins: row.origins } : null;
  }
}

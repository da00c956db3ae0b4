import { Injectable } from '@nestjs/common';
import { isDeepStrictEqual } from 'node:util';
import type { EntityManager } from 'typeorm';
import { invalidField } from '../common/errors.js';
import type { Brand } from '../database/entities/brand.entity.js';
import { StatementTexts } from '../database/entities/statement-texts.entity.js';
import { defaultStatement, type Statement } from './statement.js';

/** The words that a brand's players agree to when they opt in. Every version stays. */
@Injectable()
export class StatementService {
  /** The newest version, or what came with the service. */
  async get(manager: EntityManager, brandId: number): Promise<Statement> {
    const [newest] = await this.findNewest(manager, brandId);
    return newest ? { version: String(newest.version), texts: newest.texts } : defaultStatement;
  }

  /** Makes these words the brand's, as a new version unless they are its newest already. The caller holds the brand's lock. */
  async add(manager: EntityManager, brand: Brand, texts: Record<string, string>): Promise<void> {
    if (!(brand.defaultLanguage in texts)) {
      throw invalidField(
        'marketingStatement.texts',
        `marketingStatement.texts must hold one in the brand's default language, ${brand.defaultLanguage}`,
      );
    }
    const [newest] = await this.findNewest(manager, brand.id);
    if (newest && isDeepStrictEqual(newest.texts, texts)) return;
    const version = (newest?.version ?? 0) + 1;
    await manager.insert(StatementTexts, { brandId: brand.id, version, texts });
  }

  private findNewest(manager: EntityManager, brandId: number): Promise<StatementTexts[]> {
    return manager.find(StatementTexts, { where: { brandId }, order: { version: 'DESC' }, take: 1 });
  }
}

import { Injectable } from '@nestjs/common';
import { type EntityManager, In, Not } from 'typeorm';
import { AppError } from '../common/errors.js';
import { ShortMemory } from '../common/short-memory.js';
import { Database } from '../database/database.js';
import { BrandHost } from '../database/entities/brand-host.entity.js';

const listHosts = { name: 'list_brand_hosts', text: 'select host, brand_id from brand_hosts' };

/** Which web pages belong to which brand. A host belongs to one brand alone. */
@Injectable()
export class BrandHosts {
  private readonly memory = new ShortMemory<'all', ReadonlyMap<string, number>>();

  constructor(private readonly database: Database) {}

  /**
   * The brand of a host (`shop.example`, `shop.example:8443`), or null. From memory: at most 5 s old, at once on the
   * instance that changed it. Rejects with the driver's error when the database is away.
   */
  async findByHost(host: string): Promise<number | null> {
    const brands = await this.memory.find('all', () => this.readAll());
    return brands?.get(host.toLowerCase()) ?? null;
  }

  /** Drops what is remembered, after a change. */
  forget(): void {
    this.memory.forget('all');
  }

  /** The brand's hosts in the order of the alphabet. */
  async list(manager: EntityManager, brandId: number): Promise<string[]> {
    const rows = await manager.findBy(BrandHost, { brandId });
    return rows.map(({ host }) => host).sort();
  }

  /** Makes these the brand's hosts; conflict when one is another brand's. */
  async replace(manager: EntityManager, brandId: number, hosts: string[]): Promise<void> {
    // One at a time: brands that swap hosts would otherwise wait for each other.
    await manager.query('lock table brand_hosts in share row exclusive mode');
    const wanted = hosts.map((host) => host.toLowerCase());
    const taken = await manager.findOneBy(BrandHost, { host: In(wanted), brandId: Not(brandId) });
    if (taken) throw new AppError('conflict', `hosts: ${taken.host} belongs to another brand`);
    await manager.delete(BrandHost, { brandId });
    if (wanted.length > 0)
      await manager.insert(
        BrandHost,
        wanted.map((host) => ({ host, brandId })),
      );
  }

  private async readAll(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.database.prepared<{ host: string; brand_id: number }>(listHosts, []);
    return new Map(rows.map(({ host, brand_id }) => [host, brand_id]));
  }
}

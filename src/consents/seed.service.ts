import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { Database } from '../database/database.js';

const batchPlayers = 5000;
/** Made-up players are numbered from here. */
export const firstSeededPlayer = 100_001;

/** Makes up players: some six in ten opted in by e-mail, fewer elsewhere, most for the first products of the catalogue. */
@Injectable()
export class SeedService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Adds players `100001` and on, `count` of them. The same call again changes nothing. */
  async run(brandId: number, count: number, onProgress: (done: number) => void): Promise<void> {
    const { facts } = await this.catalogue.get(brandId);
    const bits = facts.products
      .filter(({ bit }) => facts.productsMask & (1 << bit))
      .map(({ bit }) => 1 << bit);
    await this.database.withConnection(async (client) => {
      for (let done = 0; done < count; done += batchPlayers) {
        const last = Math.min(done + batchPlayers, count);
        await client.query({
          name: 'seed_players',
          text: seedPlayers,
          values: [brandId, firstSeededPlayer + done, firstSeededPlayer + last - 1, uuidv7(), bits],
        });
        onProgress(last);
      }
      await client.query('analyze marketing_states').catch(() => undefined);
    });
  }
}

/** Parameters: brand, first and last number, act, product bits. Chance comes from a hash, so that a repeat makes the same. */
const seedPlayers = `
  with chances as (
    select n::text as player_id, c.channel::smallint, c.share, abs(hashtext(n || ':' || c.channel)) as chance
    from generate_series($2::integer, $3::integer) n,
      (values (1, 60), (2, 45), (3, 20), (4, 15), (5, 50), (6, 30)) as c (channel, share)
  ), masks as (
    select player_id, channel, case when chance % 100 >= share then 0
      when chance % 7 = 0 or array_length($5::integer[], 1) is null then 1
      else 1 | (select bit_or(b.bit) from unnest($5::integer[]) with ordinality as b (bit, n)
                where b.n = 1 + chance / 100 % least(2, array_length($5::integer[], 1)) or (chance >> b.n::integer) % 3 = 0) end as mask
    from chances
  ), items as (
    select array_agg(player_id) as players, array_agg(channel) as channels, array_agg(mask) as masks from masks
  )
  select count(*) from items i, record_marketing_changes($1, false, false, array[$4::uuid], array['operator:seed'],
    array[null::bytea], array[null::text], array_fill(1, array[array_length(i.players, 1)]), i.players, i.channels, i.masks,
    array_fill('2026-01-01T00:00:00Z'::timestamptz, array[array_length(i.players, 1)]),
    array_fill('seed'::text, array[array_length(i.players, 1)]))`;

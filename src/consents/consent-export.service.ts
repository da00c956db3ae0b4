import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { to as copyTo } from 'pg-copy-streams';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { Database } from '../database/database.js';
import type { ImportFormat } from './import/row-reader.js';

/** Writes a brand's consents out, as import takes them in. */
@Injectable()
export class ConsentExportService {
  constructor(
    private readonly database: Database,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Streams every choice in force, one snapshot, constant memory; the output is left open. Answers the number of rows. */
  async run(brandId: number, format: ImportFormat, output: Writable): Promise<number> {
    await this.catalogue.get(brandId);
    const rows = selectConsents(brandId);
    const copy =
      format === 'csv'
        ? `copy (${rows}) to stdout with (format csv, header)`
        : `copy (select json_build_object('player_id', player_id, 'channel', channel, 'opted_in', opted_in::boolean, 'products',
             case when products <> '' then string_to_array(products, '|') end, 'occurred_at', occurred_at, 'source', source)::text
           from (${rows}) r) to stdout with (format csv, quote e'\\x01', delimiter e'\\x02')`;
    return this.database.withConnection(async (client) => {
      const stream = client.query(copyTo(copy));
      await pipeline(stream, output, { end: false });
      return stream.rowCount ?? 0;
    });
  }
}

/** What may be relied on, and what was withdrawn; a grant that a block or the brand's rules silence is neither, and left out. */
function selectConsents(brandId: number): string {
  return `
    select s.player_id, c.name as channel, (c.mask <> 0)::text as opted_in,
      coalesce((select string_agg(p.name, '|' order by p.position, p.bit) from brand_products p
        where p.brand_id = s.brand_id and c.mask & (1 << p.bit) <> 0), '') as products,
      to_char(c.set_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as occurred_at, 'export' as source
    from marketing_states s
    join brands b on b.id = s.brand_id
    cross join lateral (values
      (1, 1, 'email', s.email, s.email_set_at), (2, 2, 'sms', s.sms, s.sms_set_at),
      (3, 5, 'siteNotification', s.site_notification, s.site_notification_set_at),
      (4, 3, 'telephone', s.telephone, s.telephone_set_at), (5, 4, 'postMail', s.post_mail, s.post_mail_set_at),
      (6, 6, 'pushNotification', s.push_notification, s.push_notification_set_at)) as c (position, code, name, mask, set_at)
    where s.brand_id = ${Number(brandId)} and c.set_at is not null
      and (c.mask = 0 or not s.blocked and not (c.mask = 1 and b.products_required_on & (1 << c.code) <> 0))
    order by s.player_id, c.position`;
}

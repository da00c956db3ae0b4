import { Injectable } from '@nestjs/common';
import type { Client } from 'pg';
import { Database } from '../../database/database.js';
import { PoliciesService } from './policies.service.js';

/** How many subjects' last word on a version is yes, of how many who had a say. */
export interface AcceptanceFigures {
  version: string;
  effectiveAt: Date;
  accepted: number;
  subjects: number;
  /** By the day (UTC) of the act, oldest first, the last 90 days that had any. */
  days: { on: string; accepted: number; withdrawn: number }[];
}

interface Counts {
  totals: { version: string; accepted: number; subjects: number }[];
  days: { version: string; day: string; accepted: number; withdrawn: number }[];
}

const countTotals = `
  select version, count(*) filter (where is_given)::integer as accepted, count(*)::integer as subjects
  from (
    select distinct on (subject_id, version) version, is_given from policy_consents
    where brand_id = $1 and policy_id = $2 order by subject_id, version, created_at desc, id desc) last
  group by version`;
const countDays = `
  select * from (
    select version, to_char(day, 'YYYY-MM-DD') as day, accepted, withdrawn,
      row_number() over (partition by version order by day desc) as place
    from (
      select version, (created_at at time zone 'UTC')::date as day, count(*) filter (where is_given)::integer as accepted,
        count(*) filter (where not is_given)::integer as withdrawn
      from policy_consents where brand_id = $1 and policy_id = $2 group by 1, 2) d) p
  where place <= 90 order by day`;

/** Counts who accepted which version. It reads every act, which takes a while where there are millions. */
@Injectable()
export class PolicyAcceptanceService {
  /** Who asks while it is being counted gets what comes of it. */
  private readonly underWay = new Map<string, Promise<Counts>>();

  constructor(
    private readonly database: Database,
    private readonly policies: PoliciesService,
  ) {}

  /** How many accepted each published version, and when; not_found for a policy that the brand has not. */
  async count(brandId: number, id: string): Promise<AcceptanceFigures[]> {
    const policy = await this.policies.get(brandId, id);
    const { totals, days } = await this.read(brandId, policy.id);
    return policy.versions.flatMap(({ version, effectiveAt }) => {
      if (!effectiveAt) return [];
      const { accepted = 0, subjects = 0 } = totals.find((row) => row.version === version) ?? {};
      const own = days.filter((row) => row.version === version);
      return [
        {
          version,
          effectiveAt,
          accepted,
          subjects,
          days: own.map((row) => ({ on: row.day, accepted: row.accepted, withdrawn: row.withdrawn })),
        },
      ];
    });
  }

  private read(brandId: number, id: string): Promise<Counts> {
    const known = this.underWay.get(id);
    if (known) return known;
    // Beside the pool, whose statements are ended after seconds and follow an index whatever it costs.
    const counts = this.database
      .withConnection((client) => readCounts(client, [brandId, id]))
      .finally(() => this.underWay.delete(id));
    this.underWay.set(id, counts);
    return counts;
  }
}

async function readCounts(client: Client, policy: [brandId: number, id: string]): Promise<Counts> {
  await client.query(`set statement_timeout = '5min'`);
  const totals = await client.query<Counts['totals'][number]>(countTotals, policy);
  const days = await client.query<Counts['days'][number]>(countDays, policy);
  return { totals: totals.rows, days: days.rows };
}

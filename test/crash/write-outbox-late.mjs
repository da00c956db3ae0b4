// Loaded into the service before its own code (NODE_OPTIONS=--import): the mistake that the crash test is there to find. With
// the inserts taken out of the functions that record consents (late-outbox.ts), the outbox is written here instead: after the
// commit.
import pg from 'pg';

const lateMs = Number(process.env.LATE_OUTBOX_MS);
const triesPerChange = 20;
const insertMarketing = `
  insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at)
  select e.brand_id, e.player_id, k.kind, k.lane, max(e.seq), max(e.recorded_at), max(e.recorded_at)
  from consent_events e cross join (values (1, 0), (3, 2)) as k (kind, lane)
  where e.brand_id = $1 and e.act_id = any ($2::uuid[]) and e.player_id = any ($3::text[])
  group by e.brand_id, e.player_id, e.act_id, k.kind, k.lane`;
const insertUniversal = `
  insert into outbox (brand_id, player_id, kind, lane, seq, created_at, next_attempt_at, target_id)
  select brand_id, player_id, 3, 2, seq, recorded_at, recorded_at, target_id
  from consent_events where brand_id = $1 and act_id = any ($2::uuid[])`;
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 2 });
pool.on('error', () => undefined);

async function insertLate(insert, values, tries = triesPerChange) {
  const { rowCount } = await pool.query(insert, values).catch(() => ({ rowCount: 0 }));
  // Not committed yet, or it changed nothing.
  if (rowCount === 0 && tries > 1) setTimeout(insertLate, lateMs, insert, values, tries - 1);
}

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function queryAndTellLate(statement, ...rest) {
  const text = statement?.text ?? statement;
  const [, act] = (typeof text === 'string' && /\bfrom record_(marketing|universal)_/.exec(text)) || [];
  const values = statement?.values ?? rest[0];
  if (act === 'marketing') {
    const [brandId, , , actIds, , , , , players] = values;
    setTimeout(insertLate, lateMs, insertMarketing, [brandId, actIds, players]);
  } else if (act === 'universal') {
    const [brandId, acts] = values;
    const ids = JSON.parse(acts).map(({ act_id }) => act_id);
    setTimeout(insertLate, lateMs, insertUniversal, [brandId, ids]);
  }
  return query.call(this, statement, ...rest);
};

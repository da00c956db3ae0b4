import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client, Pool } from 'pg';
import { recordMarketingChanges } from '../../src/consents/marketing-statements.js';
import { change, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { findLedgerFaults } from '../support/ledger.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
let other: TestApp;

beforeAll(async () => {
  app = await createTestApp();
  other = await createTestApp({ database: app.database });
  const crm = { enabled: true, baseUrl: 'https://crm.example' };
  for (const [id, token] of [
    [1, undefined],
    [2, otherBrandKey],
  ] as const) {
    await app.call('PATCH', `/api/brands/${id}`, { token, body: { crm } });
  }
});
afterAll(async () => {
  await other?.close();
  await app?.close();
});

/** Numbers that look random and are the same in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Item {
  player: string;
  channel: number;
  target: number;
}

/** One call of the SQL function, an act for each player. */
function recordItems(client: Client, items: Item[]): Promise<unknown> {
  const players = [...new Set(items.map(({ player }) => player))];
  return client.query(recordMarketingChanges.text, [
    1,
    true,
    false,
    players.map(() => randomUUID()),
    players.map(() => 'test'),
    players.map(() => randomBytes(16)),
    players.map((player) => `{"player":"${player}"}`),
    items.map(({ player }) => players.indexOf(player) + 1),
    items.map(({ player }) => player),
    items.map(({ channel }) => channel),
    items.map(({ target }) => target),
    items.map(() => null),
    items.map(() => 'test'),
  ]);
}

function setBlocks(
  client: Client,
  player: string,
  excluded: boolean | null,
  until: string | null,
  blocked: boolean | null,
): Promise<unknown> {
  return client.query(
    `select record_block_change(1, $1, $2, 'test', 'test', $3, clock_timestamp() + $4::interval, '', $5, '', $6, '{}')`,
    [player, randomUUID(), excluded, until, blocked, randomBytes(16)],
  );
}

async function writeAtRandom(client: Client, seed: number, players: string[], calls: number): Promise<void> {
  const random = randomNumbers(seed);
  const player = () => players[random(players.length)] as string;
  for (let call = 0; call < calls; call++) {
    const kind = random(20);
    if (kind === 0) await setBlocks(client, player(), random(2) === 0, '5 milliseconds', null);
    else if (kind === 1) await setBlocks(client, player(), random(3) === 0, null, random(3) === 0);
    else if (kind === 2) await client.query('select end_expired_exclusions(null, null, 50)');
    else {
      const mine = new Set(Array.from({ length: 1 + random(4) }, player));
      const items = [...mine].flatMap((name) =>
        [1 + random(7), 1 + random(7)]
          .filter((channel, index, channels) => channels.indexOf(channel) === index)
          .map((channel) => ({ player: name, channel, target: [0, 0, 1, 3, 5, 31][random(6)] as number })),
      );
      await recordItems(client, items);
    }
  }
}

describe('sixteen writers at once', () => {
  it('leave every chain whole: on new and known players, in any order, with blocks and exclusions between', async () => {
    const known = Array.from({ length: 8 }, newPlayerId);
    for (const player of known)
      await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true) } });
    const players = [...known, ...Array.from({ length: 24 }, newPlayerId)];
    const clients = await Promise.all(
      Array.from({ length: 16 }, async () => {
        const client = new Client({ connectionString: app.database.serviceUrl });
        await client.connect();
        return client;
      }),
    );
    try {
      await Promise.all(clients.map((client, index) => writeAtRandom(client, 17 + index, players, 60)));
    } finally {
      await Promise.all(clients.map((client) => client.end()));
    }
    const [written] = await app.sql<{ events: number }>(
      `select count(*)::integer as events from consent_events where actor = 'test'`,
    );
    expect(written?.events).toBeGreaterThan(1_000);
    expect(await findLedgerFaults(app)).toEqual([]);
  });

  it('leave every chain whole through two instances', async () => {
    const players = Array.from({ length: 3 }, newPlayerId);
    const random = randomNumbers(4711);
    const channels = ['email', 'sms', 'telephone'];
    const writer = async (instance: TestApp) => {
      for (let call = 0; call < 25; call++) {
        const consents = channels
          .filter(() => random(2) === 0)
          .map((type) =>
            change(type, random(2) === 0, [['casino'], ['sports', 'bingo'], undefined][random(3)]),
          );
        if (consents.length === 0) continue;
        const player = players[random(players.length)];
        const { status } = await instance.call('POST', `/userconsents/${player}`, { body: { consents } });
        expect(status).toBe(200);
      }
    };
    await Promise.all(Array.from({ length: 16 }, (_, index) => writer(index % 2 ? app : other)));
    expect(await findLedgerFaults(app)).toEqual([]);
    for (const player of players) {
      const answers = await Promise.all(
        [app, other].map((each) => each.call('GET', `/userconsents/${player}`)),
      );
      expect(answers[0]?.text).toBe(answers[1]?.text);
    }
  });

  it('write one event when they all ask for the same', async () => {
    const player = newPlayerId();
    const body = { consents: [change('email', true, ['casino']), change('sms', false)] };
    const answers = await Promise.all(
      Array.from({ length: 32 }, (_, index) =>
        (index % 2 ? app : other).call('POST', `/userconsents/${player}`, { body }),
      ),
    );
    for (const answer of answers) expect(answer.text).toBe(printed({ email: ['casino'] }));
    const count = async () =>
      app.sql(
        `select (select count(*)::integer from consent_events where player_id = $1) as events,
           (select count(*)::integer from outbox where player_id = $1) as messages,
           (select xmin::text from marketing_states where player_id = $1) as version`,
        [player],
      );
    const [first] = await count();
    expect(first).toMatchObject({ events: 1, messages: 1 });
    await Promise.all(
      Array.from({ length: 32 }, () => app.call('POST', `/userconsents/${player}`, { body })),
    );
    expect(await count()).toEqual([first]);
  });

  it('write one effect for one idempotency key, through two instances', async () => {
    const player = newPlayerId();
    await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', true) } });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 ? app : other).call('POST', `/userconsents/${player}`, {
          body: { consents: change('email', false) },
          headers: { 'idempotency-key': 'fifty-at-once' },
        }),
      ),
    );
    const first = answers.filter(({ status, headers }) => status === 200 && !headers['idempotency-replayed']);
    expect(first).toHaveLength(1);
    for (const { status, text } of answers) {
      expect([200, 409]).toContain(status);
      expect(text).toBe(status === 200 ? printed() : crmError(409, errorText.keyInProgress));
    }
    const events = await app.sql('select from consent_events where player_id = $1', [player]);
    expect(events).toHaveLength(2);
  });
});

describe('a product that is taken away', () => {
  it('is nobody’s afterwards, however late a grant comes', async () => {
    const token = otherBrandKey;
    const setProducts = (products: string[]) =>
      app.call('PATCH', '/api/brands/2', { token, body: { products } });
    let removed = 0;
    for (let round = 0; round < 12; round++) {
      expect((await setProducts(['casino', 'sports', 'darts'])).status).toBe(200);
      await other.call('GET', '/userconsents/nobody', { token });
      const players = Array.from({ length: 12 }, newPlayerId);
      const grants = players.map(async (player, index) => {
        await new Promise((resolve) => setTimeout(resolve, (index * round) / 6));
        const instance = index % 2 ? app : other;
        return instance.call('POST', `/userconsents/${player}`, {
          token,
          body: { consents: change('email', true, ['darts']) },
        });
      });
      const removal = setProducts(['casino', 'sports']);
      const statuses = new Set((await Promise.all(grants)).map(({ status }) => status));
      const { status } = await removal;
      expect([...statuses].filter((each) => each !== 200 && each !== 400)).toEqual([]);
      expect([200, 409]).toContain(status);
      if (status === 200) removed++;
      const [row] = await app.sql<{ held: number; mask: number }>(`
        select b.products_mask as mask, (select count(*)::integer from marketing_states s where s.brand_id = 2
          and (s.email & ~(b.products_mask | 1)) <> 0) as held
        from brands b where b.id = 2`);
      expect(row?.held).toBe(0);
      if (status === 200) expect(row?.mask).toBe(6);
      for (const player of players) {
        const body = { consents: change('email', false) };
        expect((await app.call('POST', `/userconsents/${player}`, { token, body })).status).toBe(200);
      }
    }
    expect(removed).toBeGreaterThan(0);
  });
});

describe('an act that fails in the database', () => {
  const failing = async (table: string, work: () => Promise<void>) => {
    await app.sql(
      `alter table ${table} add constraint ck_test_failure check (player_id not like 'fails%') not valid`,
    );
    try {
      await work();
    } finally {
      await app.sql(`alter table ${table} drop constraint ck_test_failure`);
    }
  };
  const traces = (player: string) =>
    app.sql(
      `select 'state' as found from marketing_states where player_id = $1
       union all select 'event' from consent_events where player_id = $1
       union all select 'evidence' from event_evidence where player_id = $1
       union all select 'outbox' from outbox where player_id = $1
       union all select 'key' from idempotency_keys where route like '%' || $1`,
      [player],
    );

  it.each(['consent_events', 'event_evidence', 'outbox'])(
    'in %s leaves nothing behind, and says nothing',
    async (table) => {
      await failing(table, async () => {
        const manners: Record<string, string>[] = [{}, { 'idempotency-key': `fails-${table}` }];
        for (const headers of manners) {
          const player = `fails-${newPlayerId()}`;
          const answer = await app.call('POST', `/userconsents/${player}`, {
            body: { consents: change('email', true) },
            headers,
          });
          expect([answer.status, answer.text]).toEqual([500, crmError(500, errorText.internal)]);
          expect(await traces(player)).toEqual([]);
        }
      });
    },
  );

  it('does not harm those that came at the same moment', async () => {
    await failing('outbox', async () => {
      const players = Array.from({ length: 24 }, (_, index) =>
        index % 8 === 3 ? `fails-${newPlayerId()}` : newPlayerId(),
      );
      const answers = await Promise.all(
        players.map((player) =>
          app.call('POST', `/userconsents/${player}`, { body: { consents: change('sms', true) } }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(
        players.map((player) => (player.startsWith('fails') ? 500 : 200)),
      );
    });
    expect(await findLedgerFaults(app)).toEqual([]);
  });

  it('of a connection that is cut leaves all or nothing', async () => {
    const pool = new Pool({ connectionString: app.database.superuserUrl, max: 1 });
    const players: string[] = [];
    let done = false;
    let cuts = 0;
    const killer = (async () => {
      while (!done) {
        const { rowCount } = await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and usename <> current_user and state = 'active' limit 1`);
        cuts += rowCount ?? 0;
        // A pause between cuts; none before the next try to catch a statement under way.
        if (rowCount) await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const statuses: number[] = [];
    // On a busy machine the killer may come too late many times.
    for (let batches = 0; batches < 10 || (cuts < 3 && batches < 500); batches += 1) {
      const batch = Array.from({ length: 20 }, newPlayerId);
      players.push(...batch);
      const answers = await Promise.all(
        batch.map((player) =>
          app.call('POST', `/userconsents/${player}`, {
            body: { consents: [change('email', true), change('sms', true)] },
          }),
        ),
      );
      statuses.push(...answers.map(({ status }) => status));
    }
    done = true;
    await killer;
    await pool.end();
    expect(cuts).toBeGreaterThan(0);
    expect([...new Set(statuses)].filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(await findLedgerFaults(app)).toEqual([]);
    const rows = await app.sql<{ player_id: string; events: number; messages: number }>(
      `select player_id, (select count(*)::integer from consent_events e where e.brand_id = 1 and e.player_id = s.player_id) as events,
         (select count(*)::integer from outbox o where o.brand_id = 1 and o.player_id = s.player_id) as messages
       from marketing_states s where brand_id = 1 and player_id = any ($1)`,
      [players],
    );
    const byPlayer = new Map(rows.map((row) => [row.player_id, row]));
    for (const [index, player] of players.entries()) {
      const row = byPlayer.get(player);
      if (statuses[index] === 200) expect(row).toMatchObject({ events: 2, messages: 1 });
      else expect([undefined, 2]).toContain(row?.events);
    }
  });
});

describe('the check of the ledger', () => {
  it('finds a number left out, a broken chain and a state that is not the sum of its events', async () => {
    const player = newPlayerId();
    for (const optedIn of [true, false, true]) {
      await app.call('POST', `/userconsents/${player}`, { body: { consents: change('email', optedIn) } });
    }
    const tampered = async (statement: string) => {
      await app.sql(`do $do$ begin set local session_replication_role = replica; ${statement}; end $do$`);
      const faults = await findLedgerFaults(app);
      return faults.filter((fault) => fault.startsWith(player)).length;
    };
    const events = `consent_events where brand_id = 1 and player_id = '${player}'`;
    expect(
      await tampered(`update marketing_states set email = 0 where brand_id = 1 and player_id = '${player}'`),
    ).toBe(1);
    expect(
      await tampered(
        `update consent_events set before = 7 where brand_id = 1 and player_id = '${player}' and seq = 3`,
      ),
    ).toBe(2);
    expect(await tampered(`delete from ${events} and seq = 2`)).toBeGreaterThan(2);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import { change, type Consents, newPlayerId, printed } from '../support/consents.js';
import { crmError, errorText } from '../support/errors.js';
import { RawConnection } from '../support/raw-http.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

let app: TestApp;
const complaints: string[] = [];

beforeAll(async () => {
  const logger = pino({ level: 'error' }, { write: (line) => void complaints.push(line) });
  app = await createTestApp({ logger });
});
afterAll(() => app?.close());

const send = (query: string, body: string, token?: string) =>
  app.call('POST', `/userconsents/withdraw?${query}`, {
    body,
    headers: { 'content-type': 'text/plain' },
    ...(token && { token }),
  });
const consentsOf = async (player: string, token?: string) =>
  (await app.call('GET', `/userconsents/${player}`, { ...(token && { token }) })).text;

async function playersWith(count: number, consents: Consents): Promise<string[]> {
  const players = Array.from({ length: count }, newPlayerId);
  const body = {
    consents: Object.entries(consents).map(([type, products]) =>
      change(type, true, products === true ? undefined : products),
    ),
  };
  await Promise.all(players.map((player) => app.call('POST', `/userconsents/${player}`, { body })));
  return players;
}
const result = (players: number, withdrawn: number, unchanged: number, rejects: object[] = []) => ({
  players,
  withdrawn,
  unchanged,
  rejected: rejects.length,
  rejects,
});

describe('POST /userconsents/withdraw', () => {
  it('withdraws a channel for a list of ids, one event each, and nothing again', async () => {
    const players = await playersWith(3, { email: ['casino'], sms: true });
    const list = [...players, players[0], 'never-heard-of'].join('\r\n');
    await app.call('PATCH', '/api/brands/1', {
      body: { crm: { enabled: true, baseUrl: 'http://127.0.0.1:9' } },
    });
    const answer = await send('channel=email&format=ids&source=complaints%202026', list);
    expect(answer.json).toEqual(result(5, 3, 2));
    for (const player of players) expect(await consentsOf(player)).toBe(printed({ sms: true }));
    expect(await consentsOf('never-heard-of')).toBe(printed());
    const events = await app.sql(
      'select source, actor, kind from consent_events where player_id = any ($1) and kind = 3',
      [players],
    );
    expect(events).toEqual(players.map(() => ({ source: 'complaints 2026', actor: 'client:demo', kind: 3 })));
    const told = await app.sql('select player_id from outbox where lane = 1 order by player_id');
    expect(told).toEqual([...players].sort().map((player_id) => ({ player_id })));
    const rows = await app.countRows();
    expect((await send('channel=email&format=ids', list)).json).toEqual(result(5, 0, 5));
    expect(await app.countRows()).toEqual(rows);
    await app.call('PATCH', '/api/brands/1', { body: { crm: { enabled: false } } });
  });

  it('withdraws everything for a CSV of any columns, also what only the gateway shows', async () => {
    const [player = '', other = ''] = await playersWith(2, { email: ['casino'], postMail: true });
    await app.sql('update marketing_states set chat = 1 where player_id = $1', [player]);
    const file = `\uFEFFname, player_id ,note\r\n"Doe, J",${player},"a\nb"\r\n\r\nX,${other},\r\n`;
    expect((await send('channel=all&format=csv', file)).json).toEqual(result(2, 5, 9));
    expect(await consentsOf(player)).toBe(printed());
    expect(await app.sql('select chat from marketing_states where player_id = $1', [player])).toEqual([
      { chat: 0 },
    ]);
  });

  it('is never older than what is recorded', async () => {
    const [player = ''] = await playersWith(1, { email: true });
    await app.sql(
      `update marketing_states set email_set_at = now() + interval '1 minute' where player_id = $1`,
      [player],
    );
    expect((await send('channel=email&format=ids', player)).json).toEqual(result(1, 1, 0));
    expect(await consentsOf(player)).toBe(printed());
  });

  it('is taken of players who are blocked', async () => {
    const [player = ''] = await playersWith(1, { email: true });
    const blocks = (active: boolean) =>
      app.call('PUT', `/internal/players/${player}/blocks`, { body: { blocked: { active, note: '' } } });
    await blocks(true);
    expect((await send('channel=email&format=ids', player)).json).toEqual(result(1, 1, 0));
    await blocks(false);
    expect(await consentsOf(player)).toBe(printed());
  });

  it('rejects lines that are no id, and takes the others', async () => {
    const [player = ''] = await playersWith(1, { email: true });
    const reason = 'player_id must be 1 to 64 letters, digits, _ or -';
    const list = `a b\n${player}\n\nimport\n${player},x\n${'x'.repeat(65)}`;
    expect((await send('channel=email&format=ids', list)).json).toEqual(
      result(1, 1, 0, [
        { line: 1, reason },
        { line: 4, reason },
        { line: 5, reason: '2 columns instead of 1' },
        { line: 6, reason },
      ]),
    );
    const csv = `player_id,x\n${player},\n,y\n${player}\n`;
    expect((await send('channel=email&format=csv', csv)).json).toEqual(
      result(1, 0, 1, [
        { line: 3, reason },
        { line: 4, reason: '1 columns instead of 2' },
      ]),
    );
    expect((await send('channel=email&format=ids', '')).json).toEqual(result(0, 0, 0));
  });

  it('is of its brand alone', async () => {
    const [player = ''] = await playersWith(1, { email: true });
    await send('channel=all&format=ids', player, otherBrandKey);
    expect(await consentsOf(player)).toBe(printed({ email: true }));
  });

  it.each<[string, string, string, string]>([
    ['no channel', 'format=ids', '1', errorText.withdrawnChannel],
    ['an unknown channel', 'channel=chat&format=ids', '1', errorText.withdrawnChannel],
    ['no format', 'channel=all', '1', 'format must be one of the following values: ids, csv'],
    ['a source of nothing', 'channel=all&format=ids&source=', '1', errorText.withdrawalSource],
    ['a source of two lines', 'channel=all&format=ids&source=a%0Ab', '1', errorText.withdrawalSource],
    ['an empty CSV', 'channel=all&format=csv', '', errorText.importEmpty],
    [
      'a CSV without ids',
      'channel=all&format=csv',
      'userid\n1\n',
      'the first line must name a column player_id',
    ],
  ])('refuses %s', async (_what, query, body, text) => {
    const rows = await app.countRows();
    const answer = await send(query, body);
    expect([answer.status, answer.text]).toEqual([400, crmError(400, text)]);
    expect(await app.countRows()).toEqual(rows);
  });

  it('waits for no import of the brand: 409', async () => {
    // Held by another connection, as an import does.
    const { Client } = await import('pg');
    const holder = new Client({ connectionString: app.database.superuserUrl });
    await holder.connect();
    await holder.query('select pg_advisory_lock(2006, 1)');
    const answer = await send('channel=all&format=ids', '1');
    expect(answer.text).toBe(crmError(409, errorText.importUnderWay));
    await holder.end();
  });

  it('withdraws nobody by a list that breaks off', async () => {
    const [player = ''] = await playersWith(1, { email: true });
    const isUnderWay = async () => {
      const [row] = await app.sql<{ held: boolean }>(
        `select exists (
          select from pg_locks l join pg_database d on d.oid = l.database
          where d.datname = current_database() and l.locktype = 'advisory' and l.classid = 2006) as held`,
      );
      return row?.held;
    };
    const connection = await RawConnection.open(app.url);
    connection.write(
      [
        'POST /userconsents/withdraw?channel=all&format=ids HTTP/1.1',
        'Host: x',
        `X-Auth-Token: ${demoKey}`,
        'Content-Length: 100000',
      ],
      `${player}\n`.repeat(1000),
    );
    while (!(await isUnderWay())) await wait(10);
    connection.hangUp();
    while (await isUnderWay()) await wait(10);
    expect(await consentsOf(player)).toBe(printed({ email: true }));
    expect((await send('channel=email&format=ids', player)).json).toEqual(result(1, 1, 0));
    expect(complaints).toEqual([]);
  });

  it('takes more than memory holds at once', async () => {
    const ids = Array.from({ length: 60_000 }, (_, index) => `many-${index}`);
    const { json } = await send('channel=sms&format=ids', ids.join('\n'));
    expect(json).toEqual(result(60_000, 0, 60_000));
    expect(await app.sql(`select count(*)::int from marketing_states where player_id like 'many-%'`)).toEqual(
      [{ count: 60_000 }],
    );
  });
});

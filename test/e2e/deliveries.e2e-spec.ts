import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPlayerId } from '../support/consents.js';
import { createTestApp, otherBrandKey, type TestApp } from '../support/test-app.js';

interface Page {
  deliveries: Record<string, unknown>[];
  next: string | null;
}

let app: TestApp;

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

const list = async (query = '', token?: string): Promise<Page> =>
  (await app.call('GET', `/api/deliveries${query}`, token === undefined ? {} : { token })).as<Page>();

/** Rows as the service writes them; nobody delivers here. */
async function queue(kind: number, lane: number, columns: Record<string, string> = {}): Promise<string> {
  const names = ['brand_id', 'player_id', 'kind', 'lane', ...Object.keys(columns)];
  const values = ['1', `'${newPlayerId()}'`, String(kind), String(lane), ...Object.values(columns)];
  const [row] = await app.sql<{ id: string }>(
    `insert into outbox (${names.join(', ')}) values (${values.join(', ')}) returning id`,
  );
  return row?.id ?? '';
}

describe('GET /api/deliveries', () => {
  it('shows what waits, why, and when it is tried next', async () => {
    const id = await queue(1, 0, {
      seq: '7',
      attempts: '3',
      last_status: '503',
      created_at: `'2026-01-31T12:00:00.123456Z'`,
      next_attempt_at: `'2030-01-31T12:00:08Z'`,
    });
    const [row] = await app.sql<{ player_id: string }>('select player_id from outbox where id = $1', [id]);
    const answer = await app.call('GET', '/api/deliveries?kind=crm_consents');
    expect(answer.text).toBe(
      JSON.stringify({
        deliveries: [
          {
            id,
            kind: 'crm_consents',
            status: 'pending',
            playerId: row?.player_id,
            subscriptionId: null,
            createdAt: '2026-01-31T12:00:00.123Z',
            nextAttemptAt: '2030-01-31T12:00:08.000Z',
            attempts: 3,
            lastStatus: 503,
            lastError: null,
          },
        ],
        next: null,
      }),
    );
    await app.sql('delete from outbox');
  });

  it('pages through everything once, the soonest due first, across kinds', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 25; count++) {
      const [kind, lane] = [
        [1, 0],
        [1, 1],
        [2, 0],
        [5, 4],
        [6, 5],
      ][count % 5] as [number, number];
      // Some are due at the same instant.
      ids.push(
        await queue(kind, lane, { next_attempt_at: `now() + interval '${Math.floor(count / 3)} seconds'` }),
      );
    }
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page: Page = await list(`?limit=4${cursor ? `&cursor=${cursor}` : ''}`);
      expect(page.deliveries.length).toBeLessThanOrEqual(4);
      seen.push(...page.deliveries);
      cursor = page.next;
    } while (cursor);
    const found = seen as { id: string; nextAttemptAt: string }[];
    expect(found.map(({ id }) => id).sort()).toEqual([...ids].sort());
    const times = found.map(({ nextAttemptAt }) => nextAttemptAt);
    expect(times).toEqual([...times].sort());
    expect((await list('?kind=mail')).deliveries).toHaveLength(5);
    await app.sql('delete from outbox');
  });

  it('keeps what waits, what was parked and what was delivered apart', async () => {
    const waiting = await queue(5, 4);
    const parked = await queue(5, 4, { parked_at: 'now()', last_error: `'SMTP 550 (RCPT TO)'` });
    const subscription = `'01890000-0000-7000-8000-000000000001'`;
    const delivered = await queue(4, 3, { delivered_at: 'now()', subscription_id: subscription });
    const ids = async (query: string) => (await list(query)).deliveries.map(({ id }) => id);
    expect(await ids('')).toEqual([waiting]);
    expect(await ids('?status=pending')).toEqual([waiting]);
    expect(await ids('?status=parked')).toEqual([parked]);
    expect(await ids('?status=delivered')).toEqual([delivered]);
    expect(await ids('?status=parked&kind=webhook')).toEqual([]);
    expect((await list('?status=parked')).deliveries[0]).toMatchObject({
      status: 'parked',
      nextAttemptAt: null,
      lastError: 'SMTP 550 (RCPT TO)',
    });
    expect((await list('?status=delivered')).deliveries[0]).toMatchObject({
      status: 'delivered',
      nextAttemptAt: null,
      subscriptionId: '01890000-0000-7000-8000-000000000001',
    });
    await app.sql('delete from outbox');
  });

  it('shows a brand nothing of another', async () => {
    await queue(1, 0);
    expect((await list('', otherBrandKey)).deliveries).toEqual([]);
    await app.sql('delete from outbox');
  });

  it.each(['?status=lost', '?kind=fax', '?limit=0', '?limit=1001', '?limit=x', '?cursor=x', '?since=now'])(
    'answers 400 to %s',
    async (query) => {
      const answer = await app.call('GET', `/api/deliveries${query}`);
      expect(answer.status).toBe(400);
      const [field] = /\w+/.exec(query) ?? [];
      expect(answer.as<{ errors: { field: string }[] }>().errors[0]?.field).toBe(field);
    },
  );
});

describe('POST /api/deliveries/:id/redeliver', () => {
  it('makes what waits due, and keeps count of its attempts', async () => {
    const id = await queue(1, 0, { attempts: '5', next_attempt_at: `now() + interval '5 minutes'` });
    const answer = await app.call('POST', `/api/deliveries/${id}/redeliver`);
    expect([answer.status, answer.as<{ attempts: number }>().attempts]).toEqual([202, 5]);
    const [row] = await app.sql<{ due: boolean }>('select next_attempt_at <= now() as due from outbox');
    expect(row).toEqual({ due: true });
    await app.sql('delete from outbox');
  });

  it.each(['parked_at', 'delivered_at'])('starts anew with what has its %s', async (column) => {
    const id = await queue(4, 3, { attempts: '10', [column]: 'now()' });
    const answer = await app.call('POST', `/api/deliveries/${id}/redeliver`);
    expect(answer.json).toMatchObject({ id, status: 'pending', attempts: 0 });
    expect((await list()).deliveries.map((delivery) => delivery.id)).toEqual([id]);
    await app.sql('delete from outbox');
  });

  it.each(['0', 'x', '1e3', '-1', '99999999999999999999'])('answers 404 to the id %s', async (id) => {
    expect((await app.call('POST', `/api/deliveries/${id}/redeliver`)).status).toBe(404);
  });

  it("answers 404 to another brand's", async () => {
    const id = await queue(1, 0, { next_attempt_at: `now() + interval '5 minutes'` });
    const answer = await app.call('POST', `/api/deliveries/${id}/redeliver`, { token: otherBrandKey });
    expect(answer.status).toBe(404);
    const [row] = await app.sql<{ due: boolean }>('select next_attempt_at <= now() as due from outbox');
    expect(row).toEqual({ due: false });
    await app.sql('delete from outbox');
  });
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpClient } from '../support/http.js';
import { demoKey } from '../support/test-app.js';

interface Page {
  deliveries: { id: string; nextAttemptAt: string | null; attempts: number }[];
  next: string | null;
}

const pageSize = 1000;
const atOnce = 16;
const betweenLooksMs = 500;

/**
 * Waits until nothing is pending, and asks the service to try again at once what it had put off, as an operator would. What
 * a killed process had under way comes by itself, when its lease is over. Rejects when nothing has left for `limitMs`.
 */
export async function drain(client: HttpClient, limitMs: number): Promise<void> {
  let fewest = Infinity;
  let since = Date.now();
  for (;;) {
    const pending = await listPending(client);
    if (pending.length === 0) return;
    if (pending.length < fewest) {
      fewest = pending.length;
      since = Date.now();
    }
    if (Date.now() - since > limitMs) throw new Error(`${pending.length} deliveries do not leave`);
    const soon = Date.now() + betweenLooksMs;
    await redeliver(
      client,
      pending.filter(({ nextAttemptAt }) => nextAttemptAt !== null && Date.parse(nextAttemptAt) > soon),
    );
    await sleep(betweenLooksMs);
  }
}

async function listPending(client: HttpClient): Promise<Page['deliveries']> {
  const found: Page['deliveries'] = [];
  let cursor = '';
  do {
    const path = `/api/deliveries?status=pending&limit=${pageSize}${cursor}`;
    const { status, text } = await client.send({ method: 'GET', path, headers: { 'x-auth-token': demoKey } });
    if (status !== 200) throw new Error(`GET ${path} answered ${status}`);
    const page = JSON.parse(text) as Page;
    found.push(...page.deliveries);
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`;
  } while (cursor !== '');
  return found;
}

async function redeliver(client: HttpClient, deliveries: Page['deliveries']): Promise<void> {
  const waiting = [...deliveries];
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const path = `/api/deliveries/${next.id}/redeliver`;
      const { status } = await client.send({ method: 'POST', path, headers: { 'x-auth-token': demoKey } });
      // 404: it has left in the meantime.
      if (status !== 202 && status !== 404) throw new Error(`POST ${path} answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Pool } from 'pg';
import { projectFolder } from '../support/api-document.js';

/** Where each of the acts' functions writes to the outbox. */
const conditions = {
  record_marketing_changes: ['if v_brand.crm_enabled then', 'if exists (select from webhook_subscriptions'],
  record_universal_consents: ['and exists (select from webhook_subscriptions'],
};

/** Environment of a service that writes to its outbox so many milliseconds after it has sent a change, in a transaction of its own. */
export function lateOutboxEnvironment(lateMs: number): Record<string, string> {
  const module = pathToFileURL(join(projectFolder, 'test/crash/write-outbox-late.mjs')).href;
  return { NODE_OPTIONS: `--import=${module}`, LATE_OUTBOX_MS: String(lateMs) };
}

/** Takes the inserts into the outbox out of the acts' functions, in this database alone. */
export async function takeOutboxOutOfTransaction(pool: Pool): Promise<void> {
  for (const [name, texts] of Object.entries(conditions)) {
    const { rows } = await pool.query<{ text: string }>(
      'select pg_get_functiondef($1::text::regproc) as text',
      [name],
    );
    let text = rows[0]?.text ?? '';
    for (const condition of texts) {
      if (text.split(condition).length !== 2) throw new Error(`${name} has no "${condition}"`);
      text = text.replace(condition, condition.replace(/^(if|and) /, '$1 false and '));
    }
    await pool.query(text);
  }
}

import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const flushBytes = 256 * 1024;

/**
 * Takes a name for an unlogged table of one piece of work, in the schema `staging`, for as long as the connection lives. What
 * a crash left there is dropped first: work that goes on holds a lock on the name of its table.
 */
export async function takeStagingName(client: Client, purpose: 'import' | 'compare'): Promise<string> {
  await client.query(`
    do $$
    declare
      v_table text;
    begin
      for v_table in select c.oid::regclass::text from pg_class c
          where c.relnamespace = 'staging'::regnamespace and c.relkind = 'r' and pg_get_userbyid(c.relowner) = current_user
            and not exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.objsubid = 2
              and l.classid = 2005 and l.objid = hashtext(c.relname)::bigint & 4294967295) loop
        execute 'drop table if exists ' || v_table;
      end loop;
    end $$`);
  const relation = `${purpose}_${randomBytes(8).toString('hex')}`;
  await client.query('select pg_advisory_lock(2005, hashtext($1))', [relation]);
  return `staging.${relation}`;
}

/**
 * Runs a COPY … FROM STDIN with lines of its text format as they come; waits for PostgreSQL where it is slower. Rejects with
 * whatever ended either side, at once, also while the other one has nothing to say; nothing of it has happened then.
 */
export async function copyIn(client: Client, copy: string, texts: AsyncIterable<string>): Promise<void> {
  const stream = client.query(copyFrom(copy));
  let failure: Error | null = null;
  let giveUp: (error: Error) => void = () => undefined;
  // For good: a stream whose connection is gone fails once more when it is destroyed.
  stream.on('error', (error: Error) => {
    failure ??= error;
    giveUp(failure);
  });
  /** Waits for that, but not for longer than the stream lives. No race: one against a promise that never settles keeps every result. */
  const whileAlive = <T>(work: Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      giveUp = reject;
      work.then(resolve, reject);
      if (failure) reject(failure);
    });
  const heard = (event: 'drain' | 'finish') =>
    whileAlive(new Promise<void>((resolve) => stream.once(event, resolve)));
  const input = texts[Symbol.asyncIterator]();
  let waiting = '';
  try {
    for (;;) {
      const next = await whileAlive(input.next());
      waiting += next.done ? '' : next.value;
      if (waiting.length > (next.done ? 0 : flushBytes)) {
        const chunk = Buffer.from(waiting);
        waiting = '';
        if (!stream.write(chunk)) await heard('drain');
      }
      if (next.done) break;
    }
  } catch (error) {
    // Not awaited: an input that stalls ends when its connection does.
    void Promise.resolve(input.return?.()).catch(() => undefined);
    stream.destroy();
    throw error;
  }
  stream.end();
  await heard('finish');
}

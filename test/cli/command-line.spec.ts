import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { errorText } from '../support/errors.js';
import { MailServer } from '../support/mail-server.js';
import { createDatabase, runStatements, type TestDatabase } from '../support/test-database.js';

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await createDatabase();
  folder = await mkdtemp(join(tmpdir(), 'player-consent-cli-'));
});
afterAll(async () => {
  await database?.drop();
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  code: number;
  out: string;
  err: string;
}

/** The built command line as a process of its own. */
const cli = (...args: string[]): Promise<Run> => cliWith({}, ...args);

function cliWith(environment: Record<string, string>, ...args: string[]): Promise<Run> {
  const env = {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'test',
    DATABASE_URL: database.serviceUrl,
    DATABASE_MIGRATION_URL: database.ownerUrl,
    ...environment,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, ['dist/src/cli/main.js', ...args], { env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out: out.trim(), err: err.trim() });
    });
  });
}

const json = (run: Run): unknown => JSON.parse(run.out);

// Each step is a process of its own.
jest.setTimeout(120_000);

describe('player-consent', () => {
  it('walks from an empty database to an imported, exported and proven brand', async () => {
    expect(json(await cli('migrate', '--json'))).toEqual({ applied: [] });
    const created = await cli('brands', 'create', '--name', 'First', '--products', 'casino,sports', '--json');
    expect(json(created)).toEqual({
      id: 1,
      client_id: expect.stringMatching(/^client_/) as unknown,
      key: expect.stringMatching(/^pck_[A-Za-z0-9_-]{43}$/) as unknown,
    });
    expect((await cli('brands', 'list')).out).toMatch(
      /^id +name +origin +products +crm\n1 +First +casino,sports +off$/,
    );

    const file = join(folder, 'in.csv');
    await writeFile(
      file,
      'player_id,channel,opted_in,products,occurred_at,source\n' +
        '1,email,true,casino|sports,2026-01-01T00:00:00Z,a\n1,sms,true,poker,2026-01-01T00:00:00Z,"a, b"\n2,email,false,,2026-01-01T00:00:00Z,\n',
    );
    const rejects = join(folder, 'rejects.csv');
    const imported = await cli('import', 'consents', file, '--rejects', rejects);
    expect(imported).toMatchObject({ code: 3, err: '' });
    expect(imported.out).toBe(
      `3 rows: 1 applied, 1 unchanged, 0 older than what is recorded, 1 rejected\n  line 3: unknown product "poker"\nAll rejected rows: ${rejects}`,
    );
    expect(await readFile(rejects, 'utf8')).toBe(
      'player_id,channel,opted_in,products,occurred_at,source,line,reason\n' +
        '1,sms,true,poker,2026-01-01T00:00:00Z,"a, b",3,"unknown product ""poker"""\n',
    );
    await writeFile(rejects, (await readFile(rejects, 'utf8')).replace(',poker,', ',casino,'));
    expect(json(await cli('import', 'consents', rejects, '--json'))).toMatchObject({
      rows: 1,
      applied: 1,
      rejected: 0,
    });

    const exported = await cli('export', 'consents');
    expect(exported.out.split('\n')).toEqual([
      'player_id,channel,opted_in,products,occurred_at,source',
      '1,email,true,casino|sports,2026-01-01T00:00:00.000000Z,export',
      '1,sms,true,casino,2026-01-01T00:00:00.000000Z,export',
      '2,email,false,"",2026-01-01T00:00:00.000000Z,export',
    ]);
    const ndjson = join(folder, 'out.ndjson');
    expect(json(await cli('export', 'consents', '--format', 'ndjson', '--output', ndjson, '--json'))).toEqual(
      { rows: 3 },
    );
    expect(json(await cli('import', 'consents', ndjson, '--json'))).toMatchObject({
      rows: 3,
      applied: 0,
      unchanged: 3,
    });
    expect(await cli('ledger', 'verify')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^2 events of 1 players[^]*The ledger is whole\.$/) as unknown,
    });
  });

  it('seeds made-up players whose ledger is whole', async () => {
    expect(json(await cli('seed', '--players', '7000', '--json'))).toEqual({ players: 7000 });
    expect(json(await cli('ledger', 'verify', '--json'))).toMatchObject({
      brokenLinks: 0,
      gaps: 0,
      differingStates: 0,
    });
  });

  it('says so, and exits with 1, when the ledger was tampered with', async () => {
    const state = `update marketing_states set sms = 1 - sms & 1 where brand_id = 1 and player_id = '1'`;
    await runStatements(database.superuserUrl, [state]);
    const { code, out } = await cli('ledger', 'verify');
    expect([code, out.split('\n').at(-1)]).toEqual([1, 'THE LEDGER IS BROKEN.']);
  });

  it('creates, lists and revokes clients', async () => {
    const { id } = json(
      await cli('clients', 'create', '--brand', '1', '--name', 'CRM', '--scopes', 'consents:read', '--json'),
    ) as { id: string };
    expect((await cli('clients', 'list', '--brand', '1')).out).toContain(id);
    expect((await cli('clients', 'revoke', '--brand', '1', id)).out).toBe(`client ${id} revoked`);
    expect((await cli('clients', 'list', '--brand', '1')).out).not.toContain(id);
    expect(await cli('clients', 'revoke', '--brand', '1', id)).toEqual({
      code: 1,
      out: '',
      err: 'there is no such client',
    });
    expect((await cli('clients', 'create', '--brand', '1', '--name', 'x', '--scopes', 'all')).code).toBe(2);
  });

  it('lists and revokes the sessions of a player, and shows no token', async () => {
    const open = `insert into sessions (id, brand_id, player_id, token_hash, idle_ttl, created_at, seen_at, expires_at)
      values (gen_random_uuid(), 1, '1', sha256('open'), 3600, now(), now(), now() + interval '1 hour'),
        (gen_random_uuid(), 1, '1', sha256('over'), 3600, now(), now(), now() - interval '1 hour')`;
    await runStatements(database.superuserUrl, [open]);
    const [session, ...others] = json(await cli('sessions', 'list', '--player', '1', '--json')) as {
      id: string;
    }[];
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown;
    expect([session, others]).toEqual([
      { brand: 1, id: session?.id, created: time, seen: time, expires: time },
      [],
    ]);
    const listed = await cli('sessions', 'list', '--player', '1', '--brand', '1');
    expect(listed.out).toMatch(
      new RegExp(`^brand +id +created +seen +expires\\n1 +${session?.id} +\\S+Z +\\S+Z +\\S+Z$`),
    );
    expect((await cli('sessions', 'list', '--brand', '1')).code).toBe(2);
    expect((await cli('sessions', 'revoke', '--brand', '1', '--player', '1')).out).toBe('2 sessions ended');
    expect((await cli('sessions', 'list', '--player', '1')).out).toBe('(none)');
  });

  it('creates, lists and revokes integrations', async () => {
    const create = (...args: string[]) => cli('integrations', 'create', '--brand', '1', '--name', ...args);
    const origins = 'HTTPS://Shop.example,http://127.0.0.1:5173';
    const { id } = json(await create('Web shop', '--origins', origins, '--json')) as { id: string };
    expect((await cli('integrations', 'list', '--brand', '1')).out).toMatch(
      new RegExp(
        `^id +name +origins +created\\n${id} +Web shop +https://shop.example http://127.0.0.1:5173 +\\S+Z$`,
      ),
    );
    const revoke = () => cli('integrations', 'revoke', '--brand', '1', id);
    expect((await revoke()).out).toBe(`integration ${id} revoked`);
    expect(await revoke()).toEqual({ code: 1, out: '', err: 'there is no such integration' });
    expect((await cli('integrations', 'list', '--brand', '1')).out).toBe('(none)');
    expect(await create('x', '--origins', 'https://a.example,b.example')).toEqual({
      code: 2,
      out: '',
      err: errorText.notAnOrigin('Origins[1]'),
    });
    expect((await create('')).code).toBe(2);
    expect((await cli('integrations', 'create', '--brand', '9', '--name', 'x')).code).toBe(1);
  });

  it('sets the hosts of a brand, and lets no other brand have them', async () => {
    const set = await cli(
      'brands',
      'set',
      '1',
      '{"hosts":["Shop.example"],"webCustomUserId":false}',
      '--json',
    );
    expect(json(set)).toMatchObject({ hosts: ['shop.example'], webCustomUserId: false });
    const settings = '{"hosts":["shop.example"]}';
    expect(await cli('brands', 'create', '--name', 'Second', '--settings', settings)).toEqual({
      code: 1,
      out: '',
      err: errorText.hostTaken('shop.example'),
    });
    expect((await cli('brands', 'list')).out).not.toContain('Second');
  });

  it('publishes policies from files, lists them, and shows what changed', async () => {
    const file = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    const en = await file(
      'terms.en.md',
      '# Terms\n\nYou must be **18** or older.\n\nBe kind.\n\nThe end.\n\nReally.\n',
    );
    const de = await file('terms.de.html', '<h1>Bedingungen</h1><p>Ab 18.</p>');
    const publish = (...args: string[]) => cli('policies', 'publish', '--brand', '1', ...args);
    const create = ['--create', 'Terms', '--type', 'TermsOfService', '--version', '1.0'];
    const created = await publish(...create, '--text', `en=${en}`, '--text', `de=${de}`, '--json');
    const { id, ...state } = json(created) as { id: string };
    expect(state).toEqual({
      version: '1.0',
      state: 'current',
      effectiveAt: expect.stringMatching(/Z$/) as unknown,
    });

    const next = await file(
      'terms-2.md',
      '# Terms\n\nYou must be **21** or older.\n\nBe kind.\n\nThe end.\n\nReally.\n',
    );
    const second = await publish(
      id,
      '--version',
      '2.0',
      '--text',
      `en=${next}`,
      '--from',
      '2999-01-01',
      '--minor',
    );
    expect(second.out).toBe(
      `policy ${id}\nversion 2.0 is scheduled, in force from 2999-01-01T00:00:00.000Z: nobody is asked again`,
    );
    expect((await cli('policies', 'list', '--brand', '1')).out).toMatch(
      new RegExp(
        `^id +type +name +site +current +scheduled +drafts\\n${id} +TermsOfService +Terms +1\\.0 +2\\.0$`,
      ),
    );
    const diff = (...args: string[]) => cli('policies', 'diff', '--brand', '1', id, ...args);
    expect((await diff('1.0', '2.0')).out).toBe(
      'Terms\n- You must be 18 or older.\n+ You must be 21 or older.\n  Be kind.\n…',
    );
    expect((await diff('1.0', '1.0', '--language', 'de')).out).toBe('no word has changed');
    expect(json(await diff('1.0', '2.0', '--json'))).toMatchObject([
      { kind: 'same' },
      { kind: 'removed', text: '18' },
      { kind: 'added', text: '21' },
      { kind: 'same' },
    ]);

    expect(await publish(id, '--version', '1.0', '--text', `en=${en}`)).toEqual({
      code: 1,
      out: '',
      err: errorText.versionNeverChanges('1.0'),
    });
    expect(await publish(...create, '--text', `de=${de}`)).toMatchObject({
      code: 2,
      err: errorText.defaultLanguageMissing('en'),
    });
    expect((await publish(id, ...create, '--text', `en=${en}`)).code).toBe(2);
    expect((await publish(id, '--version', '1/2', '--text', `en=${en}`)).code).toBe(2);
    expect((await publish(id, '--version', '3', '--text', 'terms.md')).code).toBe(2);
    expect((await publish(id, '--version', '3', '--text', `en=${en}x`)).code).toBe(2);
    expect((await diff('1.0', '7')).code).toBe(1);
    const strange = ['terms', '1.0', '2.0', '--brand', '1'];
    expect(await cli('policies', 'diff', ...strange)).toEqual({
      code: 1,
      out: '',
      err: errorText.noSuchPolicy,
    });
    expect((await cli('policies', 'list', '--brand', '9')).code).toBe(1);
    expect((json(await cli('policies', 'list', '--brand', '1', '--json')) as unknown[]).length).toBe(1);
  });

  it('withdraws consent for a list, and says what it would do first', async () => {
    const list = join(folder, 'complaints.txt');
    await writeFile(list, '1\r\nnever-heard-of\r\na b\r\n');
    const dry = await cli('withdraw', list, '--channel', 'email', '--dry-run');
    expect(dry).toEqual({
      code: 3,
      out:
        '2 players: 1 consents would be withdrawn, 1 were out already, 1 lines rejected\n' +
        '  line 3: player_id must be 1 to 64 letters, digits, _ or -',
      err: '',
    });
    const done = await cli('withdraw', list, '--channel', 'email', '--source', 'complaints', '--json');
    expect([done.code, json(done)]).toEqual([
      3,
      expect.objectContaining({ players: 2, withdrawn: 1, unchanged: 1 }),
    ]);
    const csv = join(folder, 'everybody.csv');
    await writeFile(csv, 'player_id\n1\n2\n');
    expect(json(await cli('withdraw', csv, '--channel', 'all', '--json'))).toMatchObject({
      players: 2,
      rejected: 0,
    });
    expect((await cli('withdraw', csv, '--channel', 'fax')).code).toBe(2);
  });

  it('makes links to unsubscribe, and sends a mail that carries one', async () => {
    const link = ['--player', '1', '--product', 'casino', '--campaign', 'spring'];
    const { out } = await cli('unsubscribe-links', 'create', ...link);
    expect(out).toMatch(/^http:\/\/127\.0\.0\.1:3000\/unsubscribe\/[\w-]{60,}$/);
    expect(await cli('unsubscribe-links', 'create', '--player', '1', '--product', 'poker')).toMatchObject({
      code: 2,
      err: errorText.unknownProduct('links[0].product', 'poker', 'casino, sports'),
    });
    const inbox = await MailServer.start();
    const mailArgs = ['unsubscribe-links', 'test-mail', ...link, '--to'];
    const sent = await cliWith({ SMTP_URL: inbox.url }, ...mailArgs, 'jane@example.com', '--json');
    const { url } = json(sent) as { url: string };
    const source = inbox.taken[0]?.source.toString() ?? '';
    // As the bytes came: one line each, so that no mail program has to put them together.
    expect(source.split('\r\n')).toEqual(
      expect.arrayContaining([
        `List-Unsubscribe: <${url}>`,
        'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
      ]),
    );
    expect(inbox.taken[0]?.to).toEqual(['jane@example.com']);
    await inbox.close();
  });

  it('lists what has not left, and has it tried again', async () => {
    expect((await cli('deliveries', 'list', '--brand', '1')).out).toBe('(none)');
    expect((await cli('deliveries', 'test-mail', '--brand', '1', '--to', 'you@example.com')).code).toBe(0);
    const { deliveries } = json(
      await cli('deliveries', 'list', '--brand', '1', '--kind', 'mail', '--json'),
    ) as {
      deliveries: { id: string }[];
    };
    expect(deliveries).toMatchObject([{ kind: 'mail', status: 'pending', attempts: 0, lastError: null }]);
    const [{ id } = { id: '' }] = deliveries;
    const wait = `update outbox set attempts = 2, last_error = 'SMTP 451 (DATA)', next_attempt_at = now() + interval '1 hour'`;
    await runStatements(database.superuserUrl, [wait]);
    expect((await cli('deliveries', 'list', '--brand', '1')).out).toMatch(
      new RegExp(`^id +kind .*\\n${id} +mail +operator +\\S+Z +2 +\\S+Z +SMTP 451 \\(DATA\\)$`),
    );
    expect((await cli('deliveries', 'redeliver', '--brand', '1', id)).out).toBe(`due now: ${id}`);
    expect((await cli('deliveries', 'list', '--brand', '1', '--status', 'parked')).out).toBe('(none)');
    expect(await cli('deliveries', 'redeliver', '--brand', '1', '999')).toEqual({
      code: 1,
      out: '',
      err: 'there is no such delivery: it has left, or never was',
    });
    expect((await cli('deliveries', 'redeliver', '--brand', '1', 'x')).code).toBe(2);
    expect((await cli('deliveries', 'list', '--brand', '1', '--kind', 'fax')).code).toBe(2);
  });

  it('exits with 2 on wrong usage, 1 when something is missing, 78 on wrong configuration', async () => {
    expect((await cli('brands', 'set', '1', '{"productsRequiredOn":["fax"]}')).code).toBe(2);
    expect((await cli('brands', 'set', '1', 'no json')).code).toBe(2);
    expect((await cli('brands', 'set', '9', '{"name":"x"}')).code).toBe(1);
    expect((await cli('nothing')).code).toBe(2);
    expect((await cli('import', 'consents', join(folder, 'none.csv'))).code).toBe(2);
    const saved = database.serviceUrl;
    database.serviceUrl = 'mysql://x';
    const { code, err } = await cli('brands', 'list');
    database.serviceUrl = saved;
    expect([code, err]).toEqual([78, 'DATABASE_URL must be a postgres:// address']);
  });
});

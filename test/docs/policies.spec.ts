import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { listCurls, readGuide, runCommand, runScript, shapeOf } from '../support/guide.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const guide = readGuide('README.md', ['**Publish a policy**', '**A page to link to**']);
const sampleId = '019b8a00-1111-7000-8000-000000000001';
const sampleClientId = '9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08';
const instants = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown;
const containing = (object: object) => expect.objectContaining(object) as unknown;

let app: TestApp;

// The command line is a process of its own each time.
jest.setTimeout(120_000);

describe.each(listCurls())('publishing and accepting a policy as the README says, by %s', (curl) => {
  beforeAll(async () => {
    app = await createTestApp();
  });
  afterAll(() => app?.close());

  it('does what it says, one command after the other', async () => {
    const { serviceUrl, ownerUrl } = app.database;
    const replacements: Record<string, string> = { 'http://127.0.0.1:3000': app.url };
    const variables: Record<string, string> = {
      NODE_ENV: 'test',
      DATABASE_URL: serviceUrl,
      DATABASE_MIGRATION_URL: ownerUrl,
    };
    const answers: unknown[] = [];
    for (const command of guide.commands) {
      const { line, text, written, printed } = command;
      if (text.startsWith('npm ')) {
        const output = await runScript(guide, command, curl, replacements, variables);
        variables.POLICY ??= replacements[sampleId] = /^policy (\S+)$/m.exec(output)?.[1] ?? '';
        // Word for word, but for what is anybody's own.
        const own = (written ?? '').replaceAll(sampleId, variables.POLICY).replaceAll(instants, '');
        expect([line, output.replaceAll(instants, '')]).toEqual([line, own]);
        continue;
      }
      const answer = await runCommand(guide, command, curl, replacements, variables);
      const { ClientId } = answer as { ClientId?: string };
      if (ClientId !== undefined) variables.CLIENT_ID ??= replacements[sampleClientId] = ClientId;
      if (printed !== undefined) expect([line, shapeOf(answer)]).toEqual([line, shapeOf(printed)]);
      answers.push(answer);
    }
    const { POLICY: PolicyId, CLIENT_ID: ClientId } = variables;
    // One for each command of curl: one that does not stand here fails the test.
    expect(answers).toEqual([
      containing({ Id: PolicyId, Version: '1.0', CompiledHtml: expect.stringContaining('mindestens') }),
      { Created: instant, ClientId },
      { ConsentGiven: true },
      { ConsentGiven: false },
      [containing({ PolicyId, Version: '1.0', CustomUserId: 'jane@example.com', ClientId })],
      [
        containing({ Version: '1.0', Accepted: 1, Subjects: 1 }),
        containing({ Version: '1.1', Accepted: 0, Subjects: 0 }),
      ],
    ]);
  });
});

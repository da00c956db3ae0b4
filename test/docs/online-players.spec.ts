import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { sessionOf } from '../support/gateway.js';
import { listCurls, readGuide, runScript } from '../support/guide.js';
import { createTestApp, type TestApp } from '../support/test-app.js';

const guide = readGuide('README.md', ['**Show players what', '**Import a file']);

let app: TestApp;

jest.setTimeout(60_000);

beforeAll(async () => {
  app = await createTestApp();
});
afterAll(() => app?.close());

it.each(listCurls())('a player’s figures are told and shown as the README says, by %s', async (curl) => {
  const variables: Record<string, string> = { AUTH_TOKEN: await sessionOf(app, '1001') };
  await app.sql(`delete from player_events where id = 'bet-1'`);
  const answers: unknown[] = [];
  for (const command of guide.commands) {
    const replacements = { 'http://127.0.0.1:3000': app.url };
    const answer = JSON.parse(await runScript(guide, command, curl, replacements, variables)) as object;
    if ('game_session_id' in answer) variables.GAME_SESSION = String(answer.game_session_id);
    answers.push(answer);
  }
  const figures = expect.objectContaining({ real_balance: 906.04, vip_level: 'Gold', rounds_since_login: 0 });
  const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/);
  expect(answers).toEqual([{ applied: 1, repeated: 0 }, figures, { game_session_id: uuid }, figures]);
});

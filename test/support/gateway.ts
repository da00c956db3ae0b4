import { expect } from '@jest/globals';
import type { Answer, CallOptions, TestApp } from './test-app.js';

export const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const demoPassword = 'Passw0rd1';

/** The gateway's error bodies, letter by letter. */
export const gatewayError = {
  input: '{"errMsg":"invalid input"}',
  brand: '{"errMsg":"invalid input - invalid brand id"}',
  token: '{"errMsg":"invalid input - invalid token"}',
  failure: '{"message_format":"general_failure"}',
  tooMany: '{"errMsg":"too many requests"}',
  credentials: '{"result":"wrong_credentials"}',
  fields: (...broken: [field: string, errorCode: string][]) =>
    JSON.stringify({ result: broken.map(([field, errorCode]) => ({ field, errorCode })) }),
};

export function expectAnswer(answer: Answer, status: number, text: string): void {
  expect([answer.status, answer.text]).toEqual([status, text]);
}

/** Logs in at brand 1; whatever is in the body goes as it is. */
export function logIn(
  app: TestApp,
  body: object,
  options: CallOptions & { brand?: number } = {},
): Promise<Answer> {
  const { brand = 1, ...others } = options;
  return app.call('POST', `/gateway/login/1.0/${brand}/player`, { token: null, ...others, body });
}

/** The session of a demo player's log-in. */
export async function sessionOf(app: TestApp, playerId: string): Promise<string> {
  const answer = await logIn(app, { user_name: `player${playerId}`, password: demoPassword });
  return answer.as<{ auth_token: string }>().auth_token;
}

/** Reads the player's details: whether the session lives. */
export function readDetails(app: TestApp, token: string): Promise<Answer> {
  return app.call('GET', '/gateway/player-personal-details/player/details/1.0/1', { token });
}

/** What an operator says of a player of brand 1; it must be taken. */
export async function putPlayer(app: TestApp, id: string, body: object): Promise<Answer> {
  const answer = await app.call('PUT', `/internal/players/${id}`, { body });
  expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
  return answer;
}

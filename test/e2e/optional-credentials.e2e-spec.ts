import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Post } from '@nestjs/common';
import { Caller, RequireScope } from '../../src/auth/auth.decorators.js';
import type { Principal } from '../../src/auth/principal.js';
import { Public, PublicApi } from '../../src/common/access.js';
import { ApiKeyAuth } from '../../src/common/api-answers.dto.js';
import { Database } from '../../src/database/database.js';
import { createDocument } from '../../src/docs.js';
import { errorText, problem } from '../support/errors.js';
import { createTestApp, demoKey, otherBrandKey, type TestApp } from '../support/test-app.js';

/** Stands for the open routes of the doors, with every kind of access in it. */
@Controller('api/universalconsent')
class OpenController {
  @Get('caller')
  @PublicApi()
  readCaller(@Caller() caller: Principal | null): object {
    return describeCaller(caller);
  }

  @Post('caller')
  @PublicApi()
  writeCaller(@Caller() caller: Principal | null): object {
    return describeCaller(caller);
  }

  @Get('anybody')
  @Public()
  ignoreCaller(@Caller() caller: Principal | null): object {
    return describeCaller(caller);
  }

  @Get('guarded')
  @RequireScope('universal:read')
  @ApiKeyAuth()
  readGuarded(@Caller() caller: Principal | null): object {
    return describeCaller(caller);
  }
}

function describeCaller(caller: Principal | null): object {
  if (caller === null) return { caller };
  return {
    kind: caller.kind,
    brand: caller.brandId,
    ...(caller.kind === 'player' && { player: caller.playerId }),
  };
}

let app: TestApp;
const path = '/api/universalconsent/caller';
const call = (headers: Record<string, string> = {}, method = 'GET', to = path) =>
  app.call(method, to, { token: null, headers, offDocument: true });

beforeAll(async () => {
  app = await createTestApp({ controllers: [OpenController] });
});
afterAll(() => app?.close());

describe('a route that anybody may call, but not with a wrong credential', () => {
  it('answers nobody in particular, without asking the database who that is', async () => {
    const asked = jest.spyOn(app.nest.get(Database), 'prepared');
    for (const method of ['GET', 'POST']) expect((await call({}, method)).json).toEqual({ caller: null });
    expect(asked).not.toHaveBeenCalled();
    asked.mockRestore();
  });

  it('tells its handler whose credential it was, however it was presented', async () => {
    const basic = `Basic ${Buffer.from(`demo:${demoKey}`).toString('base64')}`;
    for (const headers of [
      { 'x-auth-token': demoKey },
      { 'x-api-key': demoKey },
      { authorization: `Bearer ${demoKey}` },
      { authorization: basic },
      { authorization: basic, 'x-auth-token': demoKey },
    ] as Record<string, string>[])
      expect((await call(headers)).json).toEqual({ kind: 'client', brand: 1 });
    expect((await call({ 'x-auth-token': otherBrandKey })).json).toEqual({ kind: 'client', brand: 2 });
    const { auth_token } = await app.openSession('1001');
    expect((await call({ 'x-auth-token': auth_token }, 'POST')).json).toEqual({
      kind: 'player',
      brand: 1,
      player: '1001',
    });
  });

  it('asks a client for no scope of its own', async () => {
    const { key } = await app.createClient(['consents:read']);
    expect((await call({ 'x-auth-token': key })).json).toEqual({ kind: 'client', brand: 1 });
  });

  it('refuses a credential that is wrong, or two of them', async () => {
    const ended = await app.openSession('1001');
    await app.call('DELETE', `/internal/sessions/${ended.id}`);
    for (const headers of [
      { 'x-auth-token': 'pck_unknown' },
      { 'x-auth-token': '' },
      { 'x-auth-token': randomUUID() },
      { 'x-auth-token': ended.auth_token },
      { authorization: 'Bearer' },
      { authorization: `Basic ${Buffer.from(`other:${demoKey}`).toString('base64')}` },
    ] as Record<string, string>[]) {
      const answer = await call(headers);
      expect([headers, answer.text]).toEqual([headers, problem(401, errorText.unauthorized, path)]);
      expect(answer.headers['www-authenticate']).toBe('Bearer, Basic realm="player-consent"');
    }
    const two = await call({ 'x-auth-token': demoKey, 'x-api-key': otherBrandKey });
    expect(two.text).toBe(problem(401, errorText.twoCredentials, path));
  });

  it('is documented as taking a key or none, once each', () => {
    const { paths } = createDocument(app.nest);
    const ways = paths[path]?.get?.security?.map((way) => Object.keys(way).join()).sort();
    expect(ways).toEqual(['', 'basic', 'bearer', 'x-api-key', 'x-auth-token']);
  });
});

describe('the other routes beside it', () => {
  it('ignore a credential where anybody may call', async () => {
    const { json } = await call({ 'x-auth-token': 'wrong' }, 'GET', '/api/universalconsent/anybody');
    expect(json).toEqual({ caller: null });
  });

  it('ask for the scope where they are guarded', async () => {
    const guarded = (headers: Record<string, string>) =>
      call(headers, 'GET', '/api/universalconsent/guarded');
    expect((await guarded({})).status).toBe(401);
    expect((await guarded({ 'x-auth-token': demoKey })).json).toEqual({ kind: 'client', brand: 1 });
    const { key } = await app.createClient(['consents:read']);
    expect((await guarded({ 'x-auth-token': key })).status).toBe(403);
  });
});

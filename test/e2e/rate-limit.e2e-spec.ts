import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import { Public, PublicApi } from '../../src/common/access.js';
import { Problems } from '../../src/common/api-answers.dto.js';
import { LimitPerAddress } from '../../src/common/rate-limit.js';
import { AddRouteConfig } from '../../src/common/route-config.js';
import { createDocument } from '../../src/docs.js';
import { errorText, problem } from '../support/errors.js';
import { expectAnswer, gatewayError } from '../support/gateway.js';
import { type Answer, createTestApp, demoKey, type TestApp } from '../support/test-app.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    isOfTheTest?: true;
  }
}
const AnotherDecorator = () => AddRouteConfig({ isOfTheTest: true });

@Controller('api/universalconsent')
class OpenController {
  @Get('records/:clientId')
  @PublicApi()
  @LimitPerAddress()
  @Problems(429)
  readRecord(@Param('clientId') clientId: string): object {
    return { clientId };
  }

  @Post('integration')
  @Public()
  @AnotherDecorator()
  @LimitPerAddress()
  integrate(): object {
    return {};
  }

  @Post('sign')
  @Public()
  @LimitPerAddress()
  @AnotherDecorator()
  sign(): object {
    return {};
  }

  @Get('unlimited')
  @Public()
  @AnotherDecorator()
  readUnlimited(): object {
    return {};
  }
}

const base = '/api/universalconsent';
const limit = 5;
let app: TestApp;
let lastAddress = 0;
let address: string;

beforeAll(async () => {
  app = await createTestApp({
    controllers: [OpenController],
    environment: { PUBLIC_RATE_LIMIT: String(limit), TRUST_PROXY: '1' },
  });
});
afterAll(() => app?.close());
beforeEach(() => {
  address = `198.18.0.${++lastAddress}`;
});

function call(
  path: string,
  options: { from?: string; method?: string; token?: string } = {},
): Promise<Answer> {
  const { from = address, method = 'GET', token = null } = options;
  const headers = { 'x-forwarded-for': from };
  return app.call(method, base + path, { token, headers, offDocument: true });
}

/** The statuses of so many requests, one after the other. */
async function statusesOf(times: number, ...[path, options]: Parameters<typeof call>): Promise<number[]> {
  const statuses: number[] = [];
  for (let time = 0; time < times; time++) statuses.push((await call(path, options)).status);
  return statuses;
}

const within = (times: number) => Array.from({ length: times }, () => 200);

describe('an address', () => {
  it('may call so often in a minute, and is then told when to come back', async () => {
    expect(await statusesOf(limit, '/records/1')).toEqual(within(limit));
    const answer = await call('/records/1');
    expect(answer.text).toBe(problem(429, errorText.tooManyRequests, `${base}/records/1`));
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.headers['x-request-id']).toMatch(/^[A-Za-z0-9-]{8,64}$/);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['retry-after']).toMatch(/^(60|[1-5]?\d)$/);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('is counted over all such routes together, by whatever method', async () => {
    expect((await call('/records/1')).status).toBe(200);
    expect((await call('/records/2')).status).toBe(200);
    expect((await call('/records/2', { method: 'HEAD' })).status).toBe(200);
    expect((await call('/integration', { method: 'POST' })).status).toBe(201);
    expect((await call('/sign', { method: 'POST' })).status).toBe(201);
    for (const [path, method] of [
      ['/records/3', 'GET'],
      ['/records/3', 'HEAD'],
      ['/integration', 'POST'],
      ['/sign', 'POST'],
    ] as const)
      expect([path, (await call(path, { method })).status]).toEqual([path, 429]);
  });

  it.each(['one', 'two'])('registers no more often: step %s', async (step) => {
    const register = () =>
      app.call('POST', `/gateway/reg-step-${step}/1.0/1`, {
        token: null,
        headers: { 'x-forwarded-for': address },
        body: {},
      });
    for (let time = 0; time < limit; time++) expect((await register()).status).not.toBe(429);
    expectAnswer(await register(), 429, gatewayError.tooMany);
  });

  it.each([
    ['GET', 'verify/email'],
    ['POST', 'verify/email'],
    ['GET', 'cancel/email'],
    ['POST', 'cancel/email'],
    ['GET', 'verify/password'],
    ['POST', 'verify/password'],
    ['PUT', 'verify/password'],
  ])('follows mailed links no more often: %s %s', async (method, route) => {
    const follow = () =>
      app.call(method, `/gateway/admission/1.0/${route}/1?hash=x`, {
        token: null,
        headers: { 'x-forwarded-for': address, accept: 'application/json' },
        ...(method === 'GET' ? {} : { body: { new_password: 'x' } }),
      });
    for (let time = 0; time < limit; time++) expect((await follow()).status).toBe(400);
    expectAnswer(await follow(), 429, gatewayError.tooMany);
  });

  it('is counted alone: others go on, and so do routes without a limit', async () => {
    await statusesOf(limit + 1, '/records/1');
    expect((await call('/records/1', { from: '198.18.1.1' })).status).toBe(200);
    expect(await statusesOf(limit + 3, '/unlimited')).toEqual(within(limit + 3));
    expect((await app.call('GET', '/health/live', { headers: { 'x-forwarded-for': address } })).status).toBe(
      200,
    );
  });

  it('is counted before its credential is looked at', async () => {
    expect(await statusesOf(limit, '/records/1', { token: 'wrong' })).toEqual(Array(limit).fill(401));
    expect((await call('/records/1', { token: demoKey })).status).toBe(429);
  });

  it('of IPv6 is counted with its /64', async () => {
    const [own, neighbour] = ['2001:db8:0:1', '2001:db8:0:2'];
    for (let host = 1; host <= limit; host++)
      expect((await call('/records/1', { from: `${own}::${host}` })).status).toBe(200);
    expect((await call('/records/1', { from: `${own}:ffff::1` })).status).toBe(429);
    expect((await call('/records/1', { from: `${neighbour}::1` })).status).toBe(200);
  });

  it('is what the nearest proxy says, not what the caller adds', async () => {
    for (let time = 0; time < limit; time++)
      expect((await call('/records/1', { from: `192.0.2.${time}, ${address}` })).status).toBe(200);
    expect((await call('/records/1', { from: `192.0.2.99, ${address}` })).status).toBe(429);
  });

  it('that is none is counted with all the others that are none', async () => {
    for (let time = 0; time < limit; time++)
      expect((await call('/records/1', { from: `nonsense ${time}` })).status).toBe(200);
    expect((await call('/records/1', { from: 'more nonsense' })).status).toBe(429);
  });

  it('may call again a minute after its first request', async () => {
    const start = Date.now();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(start);
    try {
      await statusesOf(limit, '/records/1');
      clock.mockReturnValue(start + 59_000);
      const refused = await call('/records/1');
      expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
      clock.mockReturnValue(start + 60_000);
      expect(await statusesOf(limit + 1, '/records/1')).toEqual([...within(limit), 429]);
    } finally {
      clock.mockRestore();
    }
  });

  it('finds the answer in the document', () => {
    const { responses } = createDocument(app.nest).paths[`${base}/records/{clientId}`]?.get ?? {};
    expect(responses).toMatchObject({
      429: {
        description: 'Too Many Requests',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    });
  });

  it('reads nothing of the count in answers', async () => {
    for (const { headers } of [await call('/records/1'), ...(await statusesAnd429())])
      expect(Object.keys(headers).filter((name) => /ratelimit/.test(name))).toEqual([]);
  });
});

async function statusesAnd429(): Promise<Answer[]> {
  await statusesOf(limit, '/records/1');
  return [await call('/records/1')];
}

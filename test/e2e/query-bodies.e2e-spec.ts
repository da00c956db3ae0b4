import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsInt, IsString, MaxLength } from 'class-validator';
import { Public } from '../../src/common/access.js';
import { IfGiven } from '../../src/common/if-given.js';
import { errorText, problem } from '../support/errors.js';
import { RawConnection } from '../support/raw-http.js';
import { type Answer, createTestApp, demoKey, type TestApp } from '../support/test-app.js';

class RecordQuery {
  @IfGiven()
  @IsString()
  @MaxLength(95_000)
  Reference?: string;

  @IfGiven()
  @IsIn(['true', 'false'])
  ConsentGiven?: string;

  @IfGiven()
  @IsString()
  CustomUserId?: string;
}

class OtherQuery {
  @IfGiven()
  @IsInt()
  Reference?: number;
}

/** Stands for the routes whose documents print bodies on GET. */
@Controller('api')
class OpenController {
  @Get('universalconsent/tests/:id')
  @Public()
  readRecord(
    @Param('id') id: string,
    @Query() query: RecordQuery,
    @Query('Reference') reference: string,
  ): object {
    return { id, query, ...(reference !== query.Reference && { reference }) };
  }

  @Get('policyconsent/tests')
  @Public()
  readPolicy(@Query() query: RecordQuery): object {
    return { query };
  }

  @Post('universalconsent/tests')
  @Public()
  write(@Body() body: RecordQuery, @Query() query: RecordQuery): object {
    return { body, query };
  }

  @Get('universalconsents')
  @Public()
  readOther(@Query() query: OtherQuery): object {
    return { query };
  }
}

const path = '/api/universalconsent/tests/1';
const limit = 100_000;
const request = (method: string, to: string, ...headers: string[]) => [
  `${method} ${to} HTTP/1.1`,
  'host: test',
  'content-type: application/json',
  ...headers,
];
const chunked = 'transfer-encoding: chunked';
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

let app: TestApp;
let slow: Promise<string>;

beforeAll(async () => {
  app = await createTestApp({ controllers: [OpenController] });
  const connection = await RawConnection.open(app.url);
  connection.write(request('GET', path, 'content-length: 100'), '{"Reference":');
  slow = connection.untilClosed();
});
afterAll(() => app?.close());

function get(
  body: unknown,
  to = path,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return app.call(method, to, { token: null, body, headers, offDocument: true });
}

const record = (query: object) => ({ id: '1', query });
const refusal = (text: string, field?: string) => [400, problem(400, text, path, field)];

describe('the body of a GET', () => {
  it('stands for its query', async () => {
    const { status, json } = await get({ Reference: 'a b&c=d', ConsentGiven: 'true' });
    expect([status, json]).toEqual([200, record({ Reference: 'a b&c=d', ConsentGiven: 'true' })]);
    const policy = await get({ Reference: 'ü😀' }, '/api/policyconsent/tests/');
    expect(policy.json).toEqual({ query: { Reference: 'ü😀' } });
  });

  it('completes its query, and may repeat it', async () => {
    const { json } = await get(
      { Reference: 'a', ConsentGiven: 'true' },
      `${path}?CustomUserId=u1&Reference=a`,
    );
    expect(json).toEqual(record({ CustomUserId: 'u1', Reference: 'a', ConsentGiven: 'true' }));
  });

  it('gives numbers and booleans as a query would write them, and nothing for null', async () => {
    const { json } = await get({ Reference: -1.5, ConsentGiven: false, CustomUserId: 9007199254740991 });
    expect(json).toEqual(
      record({ Reference: '-1.5', ConsentGiven: 'false', CustomUserId: '9007199254740991' }),
    );
    expect(
      (await get({ Reference: 1, ConsentGiven: true }, `${path}?Reference=1&ConsentGiven=true`)).status,
    ).toBe(200);
    expect((await get({ Reference: null })).json).toEqual(record({}));
    expect((await get({ Reference: null }, `${path}?Reference=a`)).json).toEqual(record({ Reference: 'a' }));
    expect((await get({ Reference: '' })).json).toEqual(record({ Reference: '' }));
  });

  it('may say nothing', async () => {
    for (const body of ['{}', ' {} ', '']) expect([body, (await get(body)).json]).toEqual([body, record({})]);
    const type = { 'content-type': 'Application/JSON ; charset=utf-8' };
    expect((await get('{"Reference":"a"}', path, type)).json).toEqual(record({ Reference: 'a' }));
  });

  it('must not contradict its query', async () => {
    for (const [body, query] of [
      [{ Reference: 'b' }, 'Reference=a'],
      [{ Reference: '' }, 'Reference=a'],
      [{ Reference: 'a' }, 'Reference'],
      [{ Reference: 'a' }, 'Reference=a&Reference=a'],
      [{ Reference: 'a,b' }, 'Reference=a&Reference=b'],
      [{ Reference: true }, 'Reference=True'],
      [{ Reference: 1.0 }, 'Reference=1.0'],
    ] as const) {
      const { status, text } = await get(body, `${path}?${query}`);
      expect([query, status, text]).toEqual([
        query,
        ...refusal(errorText.givenTwice('Reference'), 'Reference'),
      ]);
    }
  });

  it('holds nothing that no query could say', async () => {
    for (const value of [
      '{}',
      '{"a":1}',
      '[]',
      '["a"]',
      '12345678901234567890',
      '1e400',
      '-9007199254740993',
    ]) {
      const { status, text } = await get(`{"Reference":${value}}`);
      expect([value, status, text]).toEqual([
        value,
        ...refusal(errorText.notForAQuery('Reference'), 'Reference'),
      ]);
    }
  });

  it('is validated as a query is', async () => {
    const wrong = await get({ ConsentGiven: 'perhaps' });
    expect(wrong.text).toBe((await get(undefined, `${path}?ConsentGiven=perhaps`)).text);
    expect(wrong.status).toBe(400);
    const unknown = await get({ reference: 'a' });
    expect([unknown.status, unknown.text]).toEqual(refusal(errorText.unknownKey('reference'), 'reference'));
  });

  it('reaches no prototype', async () => {
    const proto = await get('{"__proto__":"a"}');
    expect([proto.status, proto.text]).toEqual(refusal(errorText.protoKey));
    for (const key of ['constructor', 'prototype', 'hasOwnProperty', 'toString', '__defineGetter__']) {
      const { status } = await get(`{"${key}":"a"}`);
      expect([key, status]).toEqual([key, (await get(undefined, `${path}?${key}=a`)).status]);
    }
    expect(({} as { a?: string }).a).toBeUndefined();
    expect((await get({ Reference: 'a' })).json).toEqual(record({ Reference: 'a' }));
  });

  it('must be a JSON object', async () => {
    for (const [body, text] of [
      ['{', errorText.malformedBody],
      ['{"Reference":"a"}}', errorText.malformedBody],
      ['{"Reference":"\\u0000"}', errorText.holdsNul],
      ['{"Reference":"a","Reference":"a"}', errorText.keyTwice('Reference')],
      [Buffer.of(0x7b, 0xff, 0x7d), errorText.notUtf8],
      ['null', errorText.notAnObject],
      ['[]', errorText.notAnObject],
      ['"a"', errorText.notAnObject],
      ['5', errorText.notAnObject],
    ] as const) {
      const answer = await get(body);
      expect([body, answer.status, answer.text]).toEqual([body, ...refusal(text)]);
    }
  });

  it('must say that it is JSON', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/jsonp',
      'application/x-www-form-urlencoded',
      '',
    ]) {
      const { status, text } = await get('{"Reference":"a"}', path, { 'content-type': type });
      expect([type, status, text]).toEqual([type, 415, problem(415, errorText.unsupportedBody, path)]);
    }
    const connection = await RawConnection.open(app.url);
    connection.write([`GET ${path} HTTP/1.1`, 'host: test', 'content-length: 2'], '{}');
    expect(await connection.until(/unsupported|application\/json"/)).toMatch(/^HTTP\/1.1 415 /);
    connection.hangUp();
  });

  it('counts for HEAD too, which answers as GET would', async () => {
    expect((await get({ Reference: 'a' }, path, {}, 'HEAD')).status).toBe(200);
    expect((await get({ reference: 'a' }, path, {}, 'HEAD')).status).toBe(400);
  });
});

describe('on the wire, the body of a GET', () => {
  it('may come in chunks, and the connection goes on', async () => {
    const connection = await RawConnection.open(app.url);
    connection.write(request('GET', path, chunked), chunk('{"Refer'));
    connection.writeBytes(chunk('ence":"a b"}'));
    connection.writeBytes('0\r\n\r\n');
    expect(await connection.until(/\}\}/)).toContain('"query":{"Reference":"a b"}');
    connection.write(request('GET', path, 'content-length: 17'), '{"Reference":"c"}');
    expect(await connection.until(/"c"\}\}/)).toMatch(/^HTTP\/1.1 200 .*HTTP\/1.1 200 /s);
    connection.write(request('GET', path, 'connection: close', chunked), '0\r\n\r\n');
    expect(await connection.untilClosed()).toMatch(/"query":\{\}\}$/);
  });

  it('does not run into the request behind it', async () => {
    const connection = await RawConnection.open(app.url);
    connection.write(request('GET', path, 'content-length: 17'), '{"Reference":"a"}');
    connection.write(request('GET', `${path}?Reference=b`));
    connection.write(request('GET', path, 'content-length: 17', 'connection: close'), '{"Reference":"c"}');
    const references = [...(await connection.untilClosed()).matchAll(/"Reference":"(\w)"/g)];
    expect(references.map(([, letter]) => letter)).toEqual(['a', 'b', 'c']);
  });

  it('is asked for where the caller waits to be asked', async () => {
    const connection = await RawConnection.open(app.url);
    connection.write(request('GET', path, 'expect: 100-continue', 'content-length: 17'));
    await connection.until(/^HTTP\/1.1 100 Continue\r\n\r\n/);
    connection.writeBytes('{"Reference":"a"}');
    expect(await connection.until(/\}\}/)).toContain('"Reference":"a"');
    connection.hangUp();
  });

  it('is as long as other bodies may be', async () => {
    const start = '{"Reference":"';
    const longest = `${start}${'a'.repeat(90_000)}"}`.padEnd(limit);
    expect(longest).toHaveLength(limit);
    expect((await get(longest)).status).toBe(200);
    const announced = await RawConnection.open(app.url);
    announced.write(request('GET', path, `content-length: ${limit + 1}`), start);
    const refused = await announced.untilClosed();
    expect(refused).toMatch(/^HTTP\/1.1 413 /);
    expect(refused).toContain(problem(413, errorText.bodyTooLarge, path));
    expect(refused).toMatch(/\r\nconnection: close\r\n/);
    const trickled = await RawConnection.open(app.url);
    trickled.write(request('GET', path, chunked));
    for (let sent = 0; sent <= limit; sent += 10_000) trickled.writeBytes(chunk(' '.repeat(10_000)));
    expect(await trickled.untilClosed()).toMatch(/^HTTP\/1.1 413 .*\r\nconnection: close\r\n/s);
  });

  it('may break off: nobody else notices', async () => {
    for (const header of ['content-length: 100', chunked]) {
      const connection = await RawConnection.open(app.url);
      connection.write(request('GET', path, header), header === chunked ? chunk('{"Ref') : '{"Ref');
      connection.hangUp();
    }
    expect((await get({ Reference: 'a' })).status).toBe(200);
  });

  it('is not waited for longer than 20 s', async () => {
    const text = await slow;
    expect(text).toMatch(/^HTTP\/1.1 408 /);
    expect(text).toContain(problem(408, errorText.bodyTooSlow, path));
    expect(text).toMatch(/\r\nconnection: close\r\n/);
    expect(text.match(/HTTP\/1.1/g)).toHaveLength(1);
  });
});

describe('elsewhere a body of GET', () => {
  it('says nothing, as before', async () => {
    const other = await get({ Reference: 'a' }, '/api/universalconsents');
    expect([other.status, other.json]).toEqual([200, { query: {} }]);
    expect((await get('{', '/health/live')).status).toBe(200);
    const consents = await app.call('GET', '/userconsents/1001', { token: demoKey, body: { at: 'never' } });
    expect(consents.status).toBe(200);
    expect((await get({ Reference: 'a' }, '/api/universalconsent/tests/1/2')).status).toBe(404);
  });

  it('is no business of POST, whose body stays one', async () => {
    const { json } = await get({ Reference: 'a' }, '/api/universalconsent/tests?CustomUserId=b', {}, 'POST');
    expect(json).toEqual({ body: { Reference: 'a' }, query: { CustomUserId: 'b' } });
  });

  it('is looked for under the prefix', async () => {
    const prefixed = await createTestApp({
      controllers: [OpenController],
      environment: { PATH_PREFIX: '/fasttrack/v1' },
    });
    try {
      const answer = await prefixed.call('GET', path, {
        token: null,
        body: { Reference: 'a' },
        offDocument: true,
      });
      expect(answer.json).toEqual(record({ Reference: 'a' }));
    } finally {
      await prefixed.close();
    }
  });
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { projectFolder } from '../support/api-document.js';
import { type CertificateOptions, makeCertificate } from './certificate.js';
import { failureOf, open, post, reasonOf, start, stopAll } from './deliveries.js';
import { answer } from './receiver.js';

afterEach(stopAll);

describe('TLS', () => {
  const startTls = async (options: CertificateOptions, version?: 'TLSv1.2') => {
    const certificate = makeCertificate(options);
    const limits = version && { minVersion: version, maxVersion: version };
    const receiver = await start(answer(200), '127.0.0.1', { ...certificate, ...limits });
    return { receiver, certificate, url: `https://receiver.example:${receiver.port}/` };
  };
  const resolve = async () => ['127.0.0.1'];

  it('is made with the name that was given, not with the address behind it', async () => {
    const { receiver, certificate, url } = await startTls({ names: ['receiver.example'] });
    const client = open({ ca: certificate.cert, resolve, requireHttps: true });
    expect((await post(client, url)).status).toBe(200);
    expect((await post(client, url.replace('.example', '.example.'))).status).toBe(200);
    expect(receiver.serverNames).toEqual(['receiver.example', 'receiver.example']);
  });

  it('is made with an address where that was given', async () => {
    const { receiver, certificate } = await startTls({ addresses: ['127.0.0.1'] });
    const client = open({ ca: certificate.cert });
    expect((await post(client, `https://127.0.0.1:${receiver.port}/`)).status).toBe(200);
    expect(receiver.serverNames).toEqual([false]);
    const other = await failureOf(post(client, `https://127.0.0.2:${receiver.port}/`));
    expect(other.reason).toBe('connection_refused');
  });

  it.each<[string, CertificateOptions, string]>([
    ['another name', { names: ['other.example'] }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['the address behind the name', { addresses: ['127.0.0.1'] }, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['a time gone by', { names: ['receiver.example'], isExpired: true }, 'CERT_HAS_EXPIRED'],
  ])('fails with a certificate for %s', async (_what, options, code) => {
    const { receiver, certificate, url } = await startTls(options);
    const failure = await failureOf(post(open({ ca: certificate.cert, resolve }), url));
    expect([failure.reason, failure.code]).toEqual(['tls', code]);
    expect(receiver.requests).toEqual([]);
  });

  it('fails with a certificate that nobody vouches for', async () => {
    const { receiver, url } = await startTls({ names: ['receiver.example'] });
    const failure = await failureOf(post(open({ resolve }), url));
    expect([failure.reason, failure.code]).toEqual(['tls', 'DEPTH_ZERO_SELF_SIGNED_CERT']);
    expect(receiver.requests).toEqual([]);
  });

  it('fails the second time as well, when a session could be resumed', async () => {
    const { receiver, certificate, url } = await startTls({ names: ['other.example'] }, 'TLSv1.2');
    const client = open({ ca: certificate.cert, resolve });
    for (let attempt = 0; attempt < 3; attempt++) expect(await reasonOf(post(client, url))).toBe('tls');
    expect(receiver.requests).toEqual([]);
  });

  it('fails with a receiver that speaks none', async () => {
    const receiver = await start(answer(200));
    const failure = await failureOf(post(open(), `https://127.0.0.1:${receiver.port}/`));
    expect(failure.reason).toBe('tls');
  });
});

describe('the environment', () => {
  it('names no proxy and trusts no certificate for a webhook', async () => {
    const proxy = await start(answer(200));
    const plain = await start(answer(204));
    const secure = await start(answer(200), '127.0.0.1', makeCertificate({ addresses: ['127.0.0.1'] }));
    const proxyUrl = `http://127.0.0.1:${proxy.port}`;
    const names = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'];
    const environment = Object.fromEntries(names.map((name) => [name, proxyUrl]));
    const urls = [`http://127.0.0.1:${plain.port}/`, `https://127.0.0.1:${secure.port}/`];
    const { stdout } = await promisify(execFile)(process.execPath, ['test/delivery/post-once.mjs', ...urls], {
      cwd: projectFolder,
      env: { ...environment, NODE_USE_ENV_PROXY: '1', NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    });
    expect(stdout).toBe('204\ntls DEPTH_ZERO_SELF_SIGNED_CERT\n');
    expect([proxy.connections, plain.requests.length, secure.requests.length]).toEqual([0, 1, 0]);
  });
});

// Does what curl does, as far as the guides use it, where there is no curl. Options it does not know are errors.
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    include: { type: 'boolean', short: 'i' },
    header: { type: 'string', short: 'H', multiple: true, default: [] },
    data: { type: 'string', short: 'd' },
    'data-binary': { type: 'string' },
    request: { type: 'string', short: 'X' },
    'fail-with-body': { type: 'boolean' },
    'max-time': { type: 'string', default: '60' },
  },
});
const [url, ...others] = positionals;
if (!url || others.length > 0) throw new Error('one address is expected');
if (values['data-binary'] !== undefined)
  values.data = readFileSync(values['data-binary'].replace(/^@/, ''), 'utf8');
const isForm = values.data !== undefined && !values.header.some((line) => /^content-type:/i.test(line));
const given = values.header.map((line) => [
  line.slice(0, line.indexOf(':')),
  line.slice(line.indexOf(':') + 1).trim(),
]);

const outgoing = request(
  url,
  {
    method: values.request ?? (values.data === undefined ? 'GET' : 'POST'),
    headers: {
      'user-agent': 'curl/8.5.0',
      accept: '*/*',
      ...(isForm && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(values.data !== undefined && { 'content-length': Buffer.byteLength(values.data) }),
      ...Object.fromEntries(given),
    },
    signal: AbortSignal.timeout(Number(values['max-time']) * 1000),
  },
  (answer) => {
    if (values.include) {
      process.stdout.write(`HTTP/${answer.httpVersion} ${answer.statusCode} ${answer.statusMessage}\r\n`);
      for (let index = 0; index < answer.rawHeaders.length; index += 2)
        process.stdout.write(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}\r\n`);
      process.stdout.write('\r\n');
    }
    answer.pipe(process.stdout);
    if (values['fail-with-body'] && (answer.statusCode ?? 0) >= 400) process.exitCode = 22;
  },
);
outgoing.on('error', (error) => {
  process.stderr.write(`curl: ${error.message}\n`);
  process.exitCode = 7;
});
outgoing.end(values.data);

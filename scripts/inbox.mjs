// `npm run inbox`: an SMTP inbox to try mails with. What comes is kept as a file beside those of the service, and its links are printed.
import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';

const port = Number(process.env.INBOX_PORT ?? 1025);
const folder = join(process.env.DATA_DIR || '.data', 'mail');

/** Under its name there is the whole mail or none; names are in the order of arrival. */
function keep(mail) {
  const name = `${new Date().toISOString().replaceAll(/[:.]/g, '-')}-${randomUUID()}.eml`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `.${name}`), mail, { mode: 0o600, flush: true });
  renameSync(join(folder, `.${name}`), join(folder, name));
  return join(folder, name);
}

/** The links of a mail's text part, as a person would click them. */
function linksOf(mail) {
  const text = mail.toString('utf8').replaceAll('=\r\n', '').replaceAll('=3D', '=');
  return [...new Set(text.match(/https?:\/\/[^\s"<>]+/g))];
}

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
  onData(stream, session, done) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('error', done);
    stream.on('end', () => {
      const mail = Buffer.concat(chunks);
      const file = keep(mail);
      const to = session.envelope.rcptTo.map(({ address }) => address).join(', ');
      process.stdout.write([`to ${to}: ${file}`, ...linksOf(mail).map((link) => `  ${link}`), ''].join('\n'));
      done();
    });
  },
});
server.on('error', ({ message }) => {
  process.stderr.write(`the inbox cannot listen on port ${port}: ${message}; set INBOX_PORT to another\n`);
  process.exit(1);
});
server.listen(port, '127.0.0.1', () => {
  process.stdout.write(
    `inbox: start the service with SMTP_URL=smtp://127.0.0.1:${server.server.address().port}; mails are kept in ${folder}\n`,
  );
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.close(() => process.exit(0)));

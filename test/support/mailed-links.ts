import { DerivedLinks } from '../../src/common/derived-codes.js';
import { developmentSecretKey } from '../../src/config/config.js';
import type { MailedLink } from '../../src/delivery/message-transports.js';
import type { Answer, CallOptions, TestApp } from './test-app.js';

/** A mail that waits in the outbox. */
export interface QueuedMail {
  to: string;
  template: string;
  language: string;
  link?: MailedLink;
}

const secrets = new DerivedLinks(developmentSecretKey, 'player-link');

/** The mails that wait for a player of brand 1, the oldest first. */
export async function queuedMails(app: TestApp, playerId: string): Promise<QueuedMail[]> {
  const rows = await app.sql<{ detail: QueuedMail }>(
    'select detail from outbox where brand_id = 1 and player_id = $1 and lane = 4 order by id',
    [playerId],
  );
  return rows.map(({ detail }) => detail);
}

/** Where the link of the newest such mail leads, as the mail will have it. */
export async function mailedLink(app: TestApp, playerId: string, template: string): Promise<string> {
  const { link } = (await queuedMails(app, playerId)).findLast((mail) => mail.template === template) ?? {};
  if (!link) throw new Error(`no ${template} waits for ${playerId}`);
  return link.path + secrets.secret(link);
}

/** Follows a link as a program does, which asks for JSON. */
export function follow(
  app: TestApp,
  path: string,
  method = 'POST',
  options: CallOptions = {},
): Promise<Answer> {
  return app.call(method, path, { token: null, headers: { accept: 'application/json' }, ...options });
}

/** Opens a link as a browser does. */
export function open(app: TestApp, path: string, method = 'GET', options: CallOptions = {}): Promise<Answer> {
  const accept = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
  return app.call(method, path, { token: null, headers: { accept }, ...options });
}

import { resolve } from 'node:path';
import { domainToASCII } from 'node:url';
import { Inject, Injectable, type OnApplicationShutdown, Optional } from '@nestjs/common';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { Config, mailbox } from '../../config/config.js';
import { checkMessageId, writeMessageFile } from '../message-file.js';
import type { RenderedMail } from './mail-templates.js';

const maxConnections = 3;
/** Exactly one address, so that nothing in it can be read as a second one, a name or a header. */
const address = /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()[\]\\,;:"@]+$/u;
/** Refusals of our session or credentials: another time the same mail may go. */
const refusalsOfUs = new Set([503, 530, 534, 535, 538]);

export interface OutgoingMail extends RenderedMail {
  /** One address, without a name. */
  to: string;
  /** Opaque and the same at every try: letters, digits, dots, dashes, underscores. Becomes the Message-ID. */
  messageId: string;
  /** Of a marketing mail: where its recipient, or the recipient's mail program by one click (RFC 8058), withdraws from it. */
  unsubscribeUrl?: string;
}

/** Milliseconds. */
export interface MailTimeouts {
  /** For the connection with TLS, the greeting included. */
  connection: number;
  greeting: number;
  /** Of silence. */
  socket: number;
  /** For one mail in all, waiting for a free connection included. */
  total: number;
}
export const defaultMailTimeouts: MailTimeouts = {
  connection: 10_000,
  greeting: 10_000,
  socket: 30_000,
  total: 45_000,
};
/** Overrides the timeouts. */
export const mailTimeouts = Symbol('mailTimeouts');

/** Why a mail did not go. The message holds no address and nothing of the mail or of the server's answer. */
export class MailFailure extends Error {
  constructor(
    message: string,
    readonly isPermanent = false,
  ) {
    super(message);
  }
}

/** Whether the same mail would be refused again: its recipient or its content was, for good. */
export function isPermanentMailFailure(error: unknown): boolean {
  return error instanceof MailFailure && error.isPermanent;
}

/** Sends mails to SMTP_URL, over few connections that are kept; without it, writes them to DATA_DIR/mail. */
@Injectable()
export class MailTransport implements OnApplicationShutdown {
  private readonly from: { name: string; address: string };
  private readonly idHost: string;
  private readonly folder: string;
  private readonly pool?: ReturnType<typeof createPool>;
  private readonly composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

  constructor(
    config: Config,
    @Optional() @Inject(mailTimeouts) private readonly timeouts: MailTimeouts = defaultMailTimeouts,
  ) {
    const { name = '', bracketed, bare = '' } = mailbox.exec(config.MAIL_FROM)?.groups ?? {};
    this.from = { name: name.trim(), address: bracketed ?? bare };
    const sender = domainToASCII(this.from.address.replace(/^.*@/, ''));
    this.idHost = config.PUBLIC_URL ? new URL(config.PUBLIC_URL).hostname : sender;
    this.folder = resolve(config.DATA_DIR, 'mail');
    if (config.SMTP_URL !== undefined) this.pool = createPool(config.SMTP_URL, timeouts);
  }

  /**
   * Resolves when the mail server has taken the mail, or its file is there. A retry carries the same Message-ID.
   *
   * @throws MailFailure when it was not taken, or nobody knows whether it was: see isPermanentMailFailure
   */
  async send(mail: OutgoingMail): Promise<void> {
    checkMessageId(mail.messageId);
    if (!address.test(mail.to)) throw new MailFailure('not one mail address', true);
    const message: SendMailOptions = {
      from: this.from,
      to: { name: '', address: mail.to },
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      messageId: `<${mail.messageId}@${this.idHost}>`,
      headers: { 'Auto-Submitted': 'auto-generated', ...unsubscribeHeaders(mail.unsubscribeUrl) },
      disableFileAccess: true,
      disableUrlAccess: true,
    };
    if (this.pool) await this.post(this.pool, message);
    else {
      const { message: content } = await this.composer.sendMail(message);
      await writeMessageFile(this.folder, `${mail.messageId}.eml`, content as Buffer);
    }
  }

  /** Closes the connections; mails on their way are finished, waiting ones fail. */
  onApplicationShutdown(): void {
    this.pool?.close();
  }

  private async post(pool: ReturnType<typeof createPool>, message: SendMailOptions): Promise<void> {
    try {
      await pool.sendMail({ ...message, signal: AbortSignal.timeout(this.timeouts.total) });
    } catch (error) {
      throw toFailure(error);
    }
  }
}

/** In one piece each: not every mail program puts together what was folded. */
function unsubscribeHeaders(url: string | undefined): SendMailOptions['headers'] {
  if (url === undefined) return {};
  const whole = (value: string) => ({ prepared: true, foldLines: false, value });
  return {
    'List-Unsubscribe': whole(`<${url}>`),
    'List-Unsubscribe-Post': whole('List-Unsubscribe=One-Click'),
  };
}

function createPool(url: string, timeouts: MailTimeouts) {
  const { protocol, hostname, port, username, password } = new URL(url);
  const user = decodeURIComponent(username);
  return createTransport({
    pool: true,
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? undefined : Number(port),
    secure: protocol === 'smtps:',
    auth: user === '' ? undefined : { user, pass: decodeURIComponent(password) },
    maxConnections,
    // As often as a kept connection may turn out to have been closed; whatever else fails is the outbox's to repeat.
    maxRequeues: maxConnections,
    connectionTimeout: timeouts.connection,
    greetingTimeout: timeouts.greeting,
    socketTimeout: timeouts.socket,
  });
}

/** What nodemailer says of a failure. Its message and its other fields quote the server, which quotes addresses. */
interface SmtpError {
  code?: unknown;
  originalCode?: unknown;
  responseCode?: unknown;
  command?: unknown;
}

function toFailure(error: unknown): MailFailure {
  const { code, originalCode, responseCode, command } = error as SmtpError;
  if (typeof responseCode === 'number') {
    const isOfTheMail = command === 'RCPT TO' || command === 'DATA';
    const isFinal = responseCode >= 500 && responseCode < 600 && !refusalsOfUs.has(responseCode);
    return new MailFailure(`SMTP ${responseCode}${inBrackets(command)}`, isOfTheMail && isFinal);
  }
  if (code === 'EABORT' || code === 'ETIMEDOUT') return new MailFailure('SMTP timeout');
  return new MailFailure(`SMTP connection lost${inBrackets(originalCode ?? code)}`);
}

/** A name of a step or of an error, and nothing else. */
function inBrackets(name: unknown): string {
  return typeof name === 'string' && /^[A-Z][A-Z0-9 _-]*$/.test(name) ? ` (${name})` : '';
}

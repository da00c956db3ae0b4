import { Injectable } from '@nestjs/common';
import { MailTemplates } from './mail/mail-templates.js';
import { MailTransport } from './mail/mail-transport.js';
import { type CodeOrigin, DerivedLinks } from '../common/derived-codes.js';
import { Config } from '../config/config.js';
import { OutboxKind } from './outbox-kinds.js';
import { SmsTexts } from './sms/sms-texts.js';
import { SmsTransport } from './sms/sms-transport.js';

/** A link as a mail in the outbox holds it: its secret is put behind `path` when the mail leaves. */
export interface MailedLink extends CodeOrigin {
  path: string;
}

/** A mail or text message from the outbox. */
export interface MessageJob {
  id: string;
  kind: number;
  changedAt: Date;
  attempts: number;
  messageId: string;
  brandName: string;
  brandLanguage: string;
  detail: {
    to: string;
    template?: string;
    language?: string;
    variables?: Record<string, string>;
    link?: MailedLink;
    text?: string;
    message?: string;
    code?: CodeOrigin;
  };
}

/** Renders and hands over one message. */
@Injectable()
export class MessageTransports {
  private readonly links: DerivedLinks;

  constructor(
    private readonly mails: MailTransport,
    private readonly messages: SmsTransport,
    private readonly templates: MailTemplates,
    private readonly texts: SmsTexts,
    config: Config,
  ) {
    this.links = new DerivedLinks(config.SECRET_KEYS, 'player-link');
  }

  /** Sends one message once, under the same id at every try; rejects with the transport's failure. */
  async send({ kind, detail, messageId, brandName, brandLanguage }: MessageJob): Promise<void> {
    if (kind === OutboxKind.sms) {
      const { to, text, message } = detail;
      const wording = { defaultLanguage: brandLanguage, brandName };
      const worded = message === undefined ? text : this.texts.render({ ...detail, message, ...wording });
      await this.messages.send({ to, text: worded ?? '', id: messageId });
      return;
    }
    const mail = this.templates.render({
      template: detail.template ?? '',
      language: detail.language,
      defaultLanguage: brandLanguage,
      brandName,
      variables: { ...detail.variables, ...this.linkOf(detail.link) },
    });
    await this.mails.send({ ...mail, to: detail.to, messageId });
  }

  private linkOf(link: MailedLink | undefined): Record<string, string> {
    return link ? { link_path: link.path + this.links.secret(link) } : {};
  }
}

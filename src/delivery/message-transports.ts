import { Injectable } from '@nestjs/common';
import { MailTemplates } from './mail/mail-templates.js';
import { MailTransport } from './mail/mail-transport.js';
import type { CodeOrigin } from '../common/derived-codes.js';
import { OutboxKind } from './outbox-kinds.js';
import { SmsTexts } from './sms/sms-texts.js';
import { SmsTransport } from './sms/sms-transport.js';

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
    text?: string;
    message?: string;
    code?: CodeOrigin;
  };
}

/** Renders and hands over one message. */
@Injectable()
export class MessageTransports {
  constructor(
    private readonly mails: MailTransport,
    private readonly messages: SmsTransport,
    private readonly templates: MailTemplates,
    private readonly texts: SmsTexts,
  ) {}

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
      variables: detail.variables,
    });
    await this.mails.send({ ...mail, to: detail.to, messageId });
  }
}

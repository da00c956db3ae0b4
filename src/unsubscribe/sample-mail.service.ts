import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import { MarketingGridService } from '../consents/marketing-grid.service.js';
import { MailTemplates } from '../delivery/mail/mail-templates.js';
import { MailTransport } from '../delivery/mail/mail-transport.js';
import { type LinkToMint, UnsubscribeLinksService } from './unsubscribe-links.service.js';

/** A marketing mail as a CRM should send it, to see whether its links work where it arrives. */
@Injectable()
export class SampleMailService {
  constructor(
    private readonly catalogue: BrandCatalogue,
    private readonly grids: MarketingGridService,
    private readonly links: UnsubscribeLinksService,
    private readonly templates: MailTemplates,
    private readonly transport: MailTransport,
  ) {}

  /**
   * Sends one to an address, whoever's it is, with a link for the player in the text and in List-Unsubscribe. Answers the link, once the
   * mail server has taken the mail. Rejects with invalid_input for a link that cannot be, and with the transport's failure.
   */
  async send(brandId: number, to: string, link: LinkToMint): Promise<string> {
    const brand = await this.catalogue.get(brandId);
    const [url = ''] = await this.links.create(brandId, [link]);
    const { language } = await this.grids.read(brandId, link.player_id);
    const mail = this.templates.render({
      template: 'sample',
      language: language ?? undefined,
      defaultLanguage: brand.facts.defaultLanguage,
      brandName: brand.facts.name,
      variables: { unsubscribe_path: this.links.pathOf(url) },
    });
    await this.transport.send({ ...mail, to, messageId: uuidv7(), unsubscribeUrl: url });
    return url;
  }
}

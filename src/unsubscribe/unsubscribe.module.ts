import { Module } from '@nestjs/common';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { PreferencePageController } from './preference-page.controller.js';
import { PreferencePageService } from './preference-page.service.js';
import { SampleMailService } from './sample-mail.service.js';
import { UnsubscribeLinksController } from './unsubscribe-links.controller.js';
import { UnsubscribeLinksService } from './unsubscribe-links.service.js';

/** Withdrawing as easily as giving: links for messages, one click for mail programs, a page for people. */
@Module({
  imports: [BrandsModule, ConsentsModule, DeliveryModule],
  controllers: [UnsubscribeLinksController, PreferencePageController],
  providers: [PreferencePageService, SampleMailService, UnsubscribeLinksService],
})
export class UnsubscribeModule {}

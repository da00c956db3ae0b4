import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { SubjectsController } from './subjects.controller.js';
import { SubscriptionsController } from './subscriptions.controller.js';
import { UniversalConsentController } from './universal-consent.controller.js';
import { UniversalConsentService } from './universal-consent.service.js';

/** Consent of anyone to anything, who is told of it, and everything that happened to a subject. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule, DeliveryModule],
  controllers: [UniversalConsentController, SubjectsController, SubscriptionsController],
  providers: [UniversalConsentService],
})
export class UniversalConsentModule {}

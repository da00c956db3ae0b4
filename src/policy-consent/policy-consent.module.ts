import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { HotPolicyTexts } from './hot-policy-texts.js';
import { PoliciesController } from './policies.controller.js';
import { PolicyChanges } from './policy-changes.js';
import { PolicyConsentController } from './policy-consent.controller.js';
import { PolicyConsentService } from './policy-consent.service.js';
import { PolicyPageController } from './policy-page.controller.js';
import { PolicyPageService } from './policy-page.service.js';

/** Which text, which version, who agreed, and when to ask again. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule],
  controllers: [PolicyConsentController, PoliciesController, PolicyPageController],
  providers: [HotPolicyTexts, PolicyConsentService, PolicyChanges, PolicyPageService],
})
export class PolicyConsentModule {}

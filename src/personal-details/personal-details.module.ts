import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { PlayersModule } from '../players/players.module.js';
import { AdmissionController } from './admission.controller.js';
import { CustomFieldsController } from './custom-fields.controller.js';
import { DetailsController } from './details.controller.js';
import { EmailChangeController } from './email-change.controller.js';
import { EmailLinksController } from './email-links.controller.js';
import { LinkPages } from './link-pages.js';
import { MarketingPreferencesController } from './marketing-preferences.controller.js';
import { MarketingPreferencesService } from './marketing-preferences.service.js';
import { MessageFormatController } from './message-format.controller.js';
import { MobileCodesController } from './mobile-codes.controller.js';
import { PasswordFormController } from './password-form.controller.js';
import { PasswordLinksService } from './password-links.service.js';
import { ActivationController, PasswordsController } from './passwords.controller.js';
import { OnlineStatusController } from './online-status.controller.js';
import { PlayerInfoController } from './player-info.controller.js';
import { RegistrationController } from './registration.controller.js';
import { SignTermsController, TermsDocumentController } from './terms.controller.js';
import { TermsService } from './terms.service.js';
import { WageringController } from './wagering.controller.js';

/** The gateway: players see and change what is kept of them. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule, PlayersModule],
  controllers: [
    ActivationController,
    AdmissionController,
    CustomFieldsController,
    DetailsController,
    EmailChangeController,
    EmailLinksController,
    MarketingPreferencesController,
    MessageFormatController,
    MobileCodesController,
    PasswordFormController,
    PasswordsController,
    OnlineStatusController,
    PlayerInfoController,
    RegistrationController,
    SignTermsController,
    TermsDocumentController,
    WageringController,
  ],
  providers: [LinkPages, MarketingPreferencesService, PasswordLinksService, TermsService],
})
export class PersonalDetailsModule {}

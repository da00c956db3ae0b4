import { Module } from '@nestjs/common';
import { ConsentsModule } from '../consents/consents.module.js';
import { PlayerDetailsService } from './player-details.service.js';
import { PlayerInfoService } from './player-info.service.js';
import { PlayerRequirementsService } from './player-requirements.service.js';
import { BrandsModule } from '../brands/brands.module.js';
import { Clock } from '../common/clock.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { CustomFieldsService } from './custom-fields.service.js';
import { DetailsChangesService } from './details-changes.service.js';
import { DetailsWriter } from './details-writer.js';
import { MobileCodesService } from './mobile-codes.service.js';
import { PlayerChangesService } from './player-changes.service.js';
import { PlayerExportService } from './player-export.service.js';
import { PlayersService } from './players.service.js';

/** Players beside their consents. */
@Module({
  imports: [BrandsModule, ConsentsModule, DeliveryModule],
  providers: [
    Clock,
    CustomFieldsService,
    DetailsChangesService,
    DetailsWriter,
    MobileCodesService,
    PlayerChangesService,
    PlayerDetailsService,
    PlayerExportService,
    PlayerInfoService,
    PlayerRequirementsService,
    PlayersService,
  ],
  exports: [
    Clock,
    CustomFieldsService,
    DetailsChangesService,
    DetailsWriter,
    PlayerChangesService,
    PlayerDetailsService,
    PlayerExportService,
    PlayerInfoService,
    PlayerRequirementsService,
    PlayersService,
  ],
})
export class PlayersModule {}

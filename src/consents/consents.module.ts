import { Module } from '@nestjs/common';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentExportService } from './consent-export.service.js';
import { ConsentHistoryService } from './consent-history.service.js';
import { ConsentImportService } from './import/consent-import.service.js';
import { LedgerService } from './ledger.service.js';
import { MaintenanceJob } from './maintenance.job.js';
import { MarketingConsentsService } from './marketing-consents.service.js';
import { PlayerBlocksService } from './player-blocks.service.js';
import { SeedService } from './seed.service.js';

/** The one truth about consents. */
@Module({
  imports: [BrandsModule],
  providers: [
    ConsentExportService,
    ConsentImportService,
    LedgerService,
    SeedService,
    ConsentHistoryService,
    MaintenanceJob,
    MarketingConsentsService,
    PlayerBlocksService,
  ],
  exports: [
    ConsentExportService,
    ConsentImportService,
    LedgerService,
    SeedService,
    ConsentHistoryService,
    MarketingConsentsService,
    PlayerBlocksService,
  ],
})
export class ConsentsModule {}

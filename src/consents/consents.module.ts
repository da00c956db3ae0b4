import { Module } from '@nestjs/common';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentExportService } from './consent-export.service.js';
import { ConsentHistoryService } from './consent-history.service.js';
import { BulkChanges } from './import/bulk-changes.js';
import { BulkWithdrawalService } from './import/bulk-withdrawal.service.js';
import { ConsentImportService } from './import/consent-import.service.js';
import { LedgerService } from './ledger.service.js';
import { MaintenanceJob } from './maintenance.job.js';
import { MarketingConsentsService } from './marketing-consents.service.js';
import { MarketingGridService } from './marketing-grid.service.js';
import { PlayerBlocksService } from './player-blocks.service.js';
import { PoliciesService } from './policies/policies.service.js';
import { PolicyAcceptanceService } from './policies/policy-acceptance.service.js';
import { PolicyCatalogue } from './policies/policy-catalogue.js';
import { PolicyConsentsService } from './policies/policy-consents.service.js';
import { PolicyListService } from './policies/policy-list.service.js';
import { PolicyTextWorker } from './policies/policy-text-worker.js';
import { SeedService } from './seed.service.js';
import { SubjectsService } from './subjects.service.js';
import { TimelineService } from './timeline.service.js';
import { UniversalConsentsService } from './universal/universal-consents.service.js';
import { UniversalListService } from './universal/universal-list.service.js';

/** The one truth about consents. */
@Module({
  imports: [BrandsModule],
  providers: [
    BulkChanges,
    BulkWithdrawalService,
    ConsentExportService,
    ConsentImportService,
    LedgerService,
    SeedService,
    ConsentHistoryService,
    MaintenanceJob,
    MarketingConsentsService,
    MarketingGridService,
    PlayerBlocksService,
    PoliciesService,
    PolicyAcceptanceService,
    PolicyCatalogue,
    PolicyConsentsService,
    PolicyListService,
    PolicyTextWorker,
    SubjectsService,
    TimelineService,
    UniversalConsentsService,
    UniversalListService,
  ],
  exports: [
    BulkWithdrawalService,
    ConsentExportService,
    ConsentImportService,
    LedgerService,
    SeedService,
    ConsentHistoryService,
    MarketingConsentsService,
    MarketingGridService,
    PlayerBlocksService,
    PoliciesService,
    PolicyAcceptanceService,
    PolicyCatalogue,
    PolicyConsentsService,
    PolicyListService,
    PolicyTextWorker,
    SubjectsService,
    TimelineService,
    UniversalConsentsService,
    UniversalListService,
  ],
})
export class ConsentsModule {}

import { Module } from '@nestjs/common';
import { BrandsModule } from '../brands/brands.module.js';
import { ComparisonService } from './comparison.service.js';
import { ReconciliationController } from './reconciliation.controller.js';
import { ReconciliationService } from './reconciliation.service.js';
import { RunningRuns } from './running.js';
import { RunsService } from './runs.service.js';

/** The second door: everybody who is opted in, for a CRM that compares. */
@Module({
  imports: [BrandsModule],
  controllers: [ReconciliationController],
  providers: [ComparisonService, ReconciliationService, RunningRuns, RunsService],
})
export class ReconciliationModule {}

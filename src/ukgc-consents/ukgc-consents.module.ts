import { Module } from '@nestjs/common';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { ConsentsController } from './consents.controller.js';
import { ConsentsService } from './consents.service.js';
import { ImportController } from './import.controller.js';
import { WithdrawController } from './withdraw.controller.js';

/** The first door: UKGC consents. */
@Module({
  imports: [BrandsModule, ConsentsModule],
  controllers: [ImportController, WithdrawController, ConsentsController],
  providers: [ConsentsService],
})
export class UkgcConsentsModule {}

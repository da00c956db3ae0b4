import { Module } from '@nestjs/common';
import { BrandCatalogue } from './brand-catalogue.js';
import { BrandHosts } from './brand-hosts.js';
import { BrandsService } from './brands.service.js';
import { IntegrationsService } from './integrations.service.js';
import { StatementService } from './statement.service.js';

/** Brands, their settings, hosts and integrations. */
@Module({
  providers: [BrandCatalogue, BrandHosts, BrandsService, IntegrationsService, StatementService],
  exports: [BrandCatalogue, BrandHosts, BrandsService, IntegrationsService],
})
export class BrandsModule {}

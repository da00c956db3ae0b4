import { Module } from '@nestjs/common';
import { BrandCatalogue } from './brand-catalogue.js';
import { BrandsService } from './brands.service.js';

/** Brands and their settings. */
@Module({ providers: [BrandCatalogue, BrandsService], exports: [BrandCatalogue, BrandsService] })
export class BrandsModule {}

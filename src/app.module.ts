import { type DynamicModule, Module } from '@nestjs/common';
import { AdminModule } from './admin/admin.module.js';
import { AuthModule } from './auth/auth.module.js';
import type { Config } from './config/config.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { DeliveryModule } from './delivery/delivery.module.js';
import { HealthModule } from './health/health.module.js';
import { PersonalDetailsModule } from './personal-details/personal-details.module.js';
import { PolicyConsentModule } from './policy-consent/policy-consent.module.js';
import { ReconciliationModule } from './reconciliation/reconciliation.module.js';
import { UkgcConsentsModule } from './ukgc-consents/ukgc-consents.module.js';
import { UnsubscribeModule } from './unsubscribe/unsubscribe.module.js';
import { UniversalConsentModule } from './universal-consent/universal-consent.module.js';

/** The whole service: one module a door, on one data layer. */
@Module({})
export class AppModule {
  static forRoot(config: Config, databaseUrl: string): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ConfigModule.forRoot(config),
        DatabaseModule.forRoot(databaseUrl, config.DATABASE_POOL_SIZE),
        AuthModule,
        DeliveryModule,
        HealthModule,
        UkgcConsentsModule,
        ReconciliationModule,
        UniversalConsentModule,
        PolicyConsentModule,
        PersonalDetailsModule,
        UnsubscribeModule,
        AdminModule,
      ],
    };
  }
}

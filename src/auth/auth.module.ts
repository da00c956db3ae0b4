import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { BrandsModule } from '../brands/brands.module.js';
import { AuthGuard } from './auth.guard.js';
import { FingerprintService } from './fingerprint.service.js';
import { OAuthController } from './oauth.controller.js';
import { ServiceClientsService } from './service-clients.service.js';
import { SessionsService } from './sessions.service.js';

/** Who is calling, and what may they do. */
@Module({
  imports: [BrandsModule],
  controllers: [OAuthController],
  providers: [
    FingerprintService,
    ServiceClientsService,
    SessionsService,
    { provide: APP_GUARD, useClass: AuthGuard },
  ],
  exports: [FingerprintService, ServiceClientsService, SessionsService],
})
export class AuthModule {}

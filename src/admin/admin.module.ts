import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { DeliveryModule } from '../delivery/delivery.module.js';
import { HealthModule } from '../health/health.module.js';
import { PlayersModule } from '../players/players.module.js';
import { BrandsController } from './brands.controller.js';
import { ClientsController } from './clients.controller.js';
import { DeliveriesController } from './deliveries.controller.js';
import { GameSessionsController } from './game-sessions.controller.js';
import { IntegrationsController } from './integrations.controller.js';
import { MetricsController } from './metrics.controller.js';
import { PlayerActivityController } from './player-activity.controller.js';
import { PlayerRecordsController } from './player-records.controller.js';
import { PlayersController } from './players.controller.js';
import { SessionsController } from './sessions.controller.js';

/** What operators and internal services need around the doors. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule, DeliveryModule, HealthModule, PlayersModule],
  controllers: [
    BrandsController,
    ClientsController,
    DeliveriesController,
    GameSessionsController,
    IntegrationsController,
    MetricsController,
    PlayerActivityController,
    PlayerRecordsController,
    PlayersController,
    SessionsController,
  ],
})
export class AdminModule {}

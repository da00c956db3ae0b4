import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { BrandsModule } from '../brands/brands.module.js';
import { ConsentsModule } from '../consents/consents.module.js';
import { PlayersModule } from '../players/players.module.js';
import { CustomFieldsController } from './custom-fields.controller.js';
import { DetailsController } from './details.controller.js';

/** The gateway: players see and change what is kept of them. */
@Module({
  imports: [AuthModule, BrandsModule, ConsentsModule, PlayersModule],
  controllers: [CustomFieldsController, DetailsController],
})
export class PersonalDetailsModule {}

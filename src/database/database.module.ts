import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Database } from './database.js';
import { OutboxSignal } from './outbox-signal.js';
import { IdempotencyService } from './idempotency.service.js';
import { dataSourceOptions, entities } from './options.js';
import { Snapshots } from './snapshots.js';

/** The shared data layer: one DataSource, its repositories and its pool. */
@Global()
@Module({})
export class DatabaseModule {
  static forRoot(url: string, poolSize: number): DynamicModule {
    const repositories = TypeOrmModule.forFeature(entities);
    return {
      module: DatabaseModule,
      imports: [
        TypeOrmModule.forRoot({ ...dataSourceOptions(url, poolSize), retryAttempts: 0 }),
        repositories,
      ],
      providers: [Database, IdempotencyService, OutboxSignal, Snapshots],
      exports: [Database, IdempotencyService, OutboxSignal, Snapshots, repositories],
    };
  }
}

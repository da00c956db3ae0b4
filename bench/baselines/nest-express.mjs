// A plain NestJS service on its default adapter, Express, with TypeORM's repositories: findOneBy to read, and a transaction
// with save to write. In JavaScript the decorators are called by hand; what they do is the same.
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Inject,
  Module,
  NotFoundException,
  Param,
  Post,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getRepositoryToken, TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { ConsentEvent, MarketingState, OutboxEntry } from './nest-express.entities.mjs';
import { BRAND_ID, CHANNEL_BY_NAME, CHANNELS, maskOf, PRODUCTS } from './vocabulary.mjs';

function toView(state) {
  return {
    consents: CHANNELS.map(({ name, column }) => {
      const mask = state[column];
      const products = PRODUCTS.filter((_product, index) => mask & (2 << index));
      return { type: name, opted_in: mask !== 0, ...(products.length > 0 && { products }) };
    }),
  };
}

class ConsentsController {
  constructor(states, dataSource) {
    this.states = states;
    this.dataSource = dataSource;
  }

  async read(playerId) {
    const state = await this.states.findOneBy({ brand_id: BRAND_ID, player_id: playerId });
    if (!state) throw new NotFoundException();
    return toView(state);
  }

  async change(playerId, body) {
    const [item] = body.consents;
    return this.dataSource.transaction(async (manager) => {
      const where = { brand_id: BRAND_ID, player_id: playerId };
      const found = await manager.findOne(MarketingState, { where, lock: { mode: 'pessimistic_write' } });
      const state = found ?? manager.create(MarketingState, { ...where, seq: 0 });
      const { column, code } = CHANNEL_BY_NAME.get(item.type);
      const before = state[column] ?? 0;
      const after = maskOf(item);
      if (before === after) return toView(state);
      const now = new Date();
      Object.assign(state, { [column]: after, [`${column}_set_at`]: now, seq: state.seq + 1 });
      await manager.save(MarketingState, state);
      await manager.save(ConsentEvent, {
        ...where,
        ...{
          seq: state.seq,
          recorded_at: now,
          occurred_at: now,
          act_id: randomUUID(),
          before,
          after,
          channel: code,
        },
        ...{ kind: before === 0 ? 1 : after === 0 ? 3 : 2, actor: 'client:bench', source: 'api' },
      });
      await manager.save(OutboxEntry, { ...where, kind: 1, seq: state.seq });
      return toView(state);
    });
  }
}
Inject(getRepositoryToken(MarketingState))(ConsentsController, undefined, 0);
Inject(DataSource)(ConsentsController, undefined, 1);
for (const [name, ...decorators] of [
  ['read', Get(':id')],
  ['change', Post(':id'), HttpCode(200)],
]) {
  const descriptor = Object.getOwnPropertyDescriptor(ConsentsController.prototype, name);
  for (const decorator of decorators) decorator(ConsentsController.prototype, name, descriptor);
}
Param('id')(ConsentsController.prototype, 'read', 0);
Param('id')(ConsentsController.prototype, 'change', 0);
Body()(ConsentsController.prototype, 'change', 1);
Controller('userconsents')(ConsentsController);

class AppModule {}
const entities = [MarketingState, ConsentEvent, OutboxEntry];
Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'postgres',
      url: process.env.DATABASE_URL,
      poolSize: Number(process.env.POOL_SIZE ?? 10),
      entities,
    }),
    TypeOrmModule.forFeature(entities),
  ],
  controllers: [ConsentsController],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
console.log(await app.getUrl());

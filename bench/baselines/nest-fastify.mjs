// A plain NestJS service on Fastify that answers one constant: what the address on its command line answers, headers and all,
// and 304 to whoever has it. In JavaScript the decorators are called by hand; what they do is the same.
import 'reflect-metadata';
import { Controller, Get, Header, Headers, Module, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const address = process.argv[2];
const constant = await fetch(address);
const body = await constant.text();
const etag = constant.headers.get('etag');
/** These are of the connection and of each answer; the server sets its own. */
const OWN_HEADERS = new Set(['connection', 'content-length', 'date', 'keep-alive']);

class ConstantController {
  read(ifNoneMatch, reply) {
    if (ifNoneMatch !== etag) return body;
    reply.status(304);
    return undefined;
  }
}
const read = Object.getOwnPropertyDescriptor(ConstantController.prototype, 'read');
const headers = [...constant.headers].filter(([name]) => !OWN_HEADERS.has(name));
for (const decorator of [Get(), ...headers.map(([name, value]) => Header(name, value))])
  decorator(ConstantController.prototype, 'read', read);
Headers('if-none-match')(ConstantController.prototype, 'read', 0);
Res({ passthrough: true })(ConstantController.prototype, 'read', 1);
Controller(new URL(address).pathname)(ConstantController);

class AppModule {}
Module({ controllers: [ConstantController] })(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
console.log(await app.getUrl());

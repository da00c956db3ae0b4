import { Body, Controller, Get, Param, Patch, Post, Put, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { RequireScope } from '../../src/auth/auth.decorators.js';
import { Public } from '../../src/common/access.js';
import { AppError } from '../../src/common/errors.js';
import { AddRouteConfig } from '../../src/common/route-config.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    above?: boolean;
    below?: boolean;
  }
}

/** Open and closed methods on one path, as browsers may find them. */
@Controller('api/pages')
export class PageRoutes {
  @Post()
  @RequireScope('admin')
  closed(): object {
    return {};
  }

  @Patch()
  @Public()
  open(@Body() body: object): object {
    return body;
  }

  @Get(':id')
  @Public()
  read(@Param('id') id: string): object {
    if (id === 'busy') throw new AppError('too_many_requests');
    if (id === 'none') throw new AppError('not_found');
    return { id };
  }

  @Put(':id/closed')
  @RequireScope('admin')
  closedToo(): object {
    return {};
  }

  @Put(':id')
  @AddRouteConfig({ above: true })
  @Public()
  @AddRouteConfig({ below: true })
  openWithMore(@Req() { routeOptions: { config } }: FastifyRequest): object {
    return { above: config.above, isPublic: config.isPublic, below: config.below };
  }
}

/** A route of players, which pages call with their session. */
@Controller('gateway/pages')
export class GatewayRoutes {
  @Get()
  @RequireScope('admin')
  closed(): object {
    return {};
  }
}

/** Open, but of no door that pages call. */
@Controller('elsewhere')
export class ElsewhereRoutes {
  @Get()
  @Public()
  open(): object {
    return {};
  }
}

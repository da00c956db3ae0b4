import { Controller, Get, Header, Res } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ApiAnswers } from '../common/api-answers.dto.js';
import { Public } from '../common/access.js';
import { LivenessDto, ReadinessDto } from './health.dto.js';
import { HealthService } from './health.service.js';

/** For orchestrators and monitoring. */
@ApiTags('Operations')
@Controller()
export class HealthController {
  constructor(private readonly health: HealthService) {}

  /** Is the process alive? Says nothing about the database. */
  @Public()
  @Get('health/live')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, LivenessDto)
  live(): LivenessDto {
    return { status: 'ok' };
  }

  /** Can it do its work: database, migrations, age of the outbox? Not while it is stopping. */
  @Public()
  @Get('health/ready')
  @Header('cache-control', 'no-store')
  @ApiAnswers(200, ReadinessDto)
  @ApiResponse({ status: 503, description: 'Not ready', type: ReadinessDto })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessDto> {
    const { ready, checks } = await this.health.readiness();
    void reply.status(ready ? 200 : 503);
    return { status: ready ? 'ok' : 'unavailable', checks };
  }
}

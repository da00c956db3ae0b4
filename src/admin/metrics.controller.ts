import { Controller, Get, Header } from '@nestjs/common';
import { ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { RequireScope } from '../auth/auth.decorators.js';
import { ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { HealthService } from '../health/health.service.js';

/** The figures for Prometheus, on the service's own port. On a port of their own (OPS_PORT) they need no credential. */
@ApiTags('Operations')
@ApiKeyAuth()
@Controller('metrics')
export class MetricsController {
  constructor(private readonly health: HealthService) {}

  /** Read the metrics in Prometheus' text format. */
  @Get()
  @RequireScope('admin')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Header('cache-control', 'no-store')
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'OK', content: { 'text/plain': { schema: { type: 'string' } } } })
  @Problems()
  readMetrics(): Promise<string> {
    return this.health.registry.metrics();
  }
}

import { Body, Controller, Get, Param, Patch } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Client, RequireScope } from '../auth/auth.decorators.js';
import type { ClientPrincipal } from '../auth/principal.js';
import { BrandsService } from '../brands/brands.service.js';
import { ApiAnswers, ApiKeyAuth, Problems } from '../common/api-answers.dto.js';
import { AppError } from '../common/errors.js';
import { IntIdPipe } from '../common/id-pipes.js';
import { BrandChangesDto, BrandDto, toBrandDto } from './brands.dto.js';

/** A brand's settings; a client sees its own brand alone. New brands come from the command line. */
@ApiTags('Administration')
@ApiKeyAuth()
@Controller('api/brands')
export class BrandsController {
  constructor(private readonly brands: BrandsService) {}

  /** Read the brand's settings. */
  @Get(':id')
  @RequireScope('admin')
  @ApiAnswers(200, BrandDto)
  @Problems(404)
  async readBrand(@Client() client: ClientPrincipal, @Param('id', IntIdPipe) id: number): Promise<BrandDto> {
    return toBrandDto(await this.brands.get(ownBrand(client, id)));
  }

  /** Change some of the brand's settings. A product that players still hold cannot be taken away, and a host that is another brand's is not given (409). */
  @Patch(':id')
  @RequireScope('admin')
  @ApiAnswers(200, BrandDto)
  @Problems(400, 404, 409, 413)
  async changeBrand(
    @Client() client: ClientPrincipal,
    @Param('id', IntIdPipe) id: number,
    @Body() changes: BrandChangesDto,
  ): Promise<BrandDto> {
    return toBrandDto(await this.brands.update(ownBrand(client, id), changes));
  }
}

function ownBrand(client: ClientPrincipal, id: number): number {
  if (id !== client.brandId) throw new AppError('not_found', 'there is no such brand');
  return id;
}

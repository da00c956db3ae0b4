import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { STATUS_CODES } from 'node:http';

/** What is wrong with a request, of the gateway's routes. */
export class GatewayErrorDto {
  /** @example invalid input - invalid token */
  errMsg: string;
}

/** Why the service itself cannot answer, or what a player has to do first. */
export class GatewayResultDto {
  /** @example internal server error */
  result: string;
}

/** A text of the site, by its name: GET /gateway/site-management/… has its words. */
export class MessageFormatDto {
  /** @example general_failure */
  message_format: string;
}

/** One rule that one field does not keep. */
export class FieldCodeDto {
  /** @example email */
  field: string;

  /** @example email_required */
  errorCode: string;
}

/** Every rule that the request does not keep. */
export class FieldCodesDto {
  result: FieldCodeDto[];
}

/**
 * Documents errors of the gateway. `{errMsg}` unless `bodies` says otherwise; 400 goes without saying.
 * @param bodies classes by status, for those that print something else
 */
export function GatewayErrors(
  statuses: number[],
  bodies: Record<number, (abstract new () => object)[]> = {},
): MethodDecorator {
  const all = [...new Set([400, ...statuses])].sort((a, b) => a - b);
  return applyDecorators(
    ...all.map((status) => {
      const models = bodies[status] ?? [GatewayErrorDto];
      const schemas = models.map((model) => ({ $ref: getSchemaPath(model) }));
      return applyDecorators(
        ApiExtraModels(...models),
        ApiResponse({
          status,
          description: STATUS_CODES[status] ?? '',
          content: { 'application/json': { schema: schemas.length === 1 ? schemas[0] : { oneOf: schemas } } },
        }),
      );
    }),
  );
}

import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiHeader, ApiQuery, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { STATUS_CODES } from 'node:http';
import { FieldCodesDto, GatewayErrorDto, MessageFormatDto } from './gateway-answers.dto.js';
import { PasswordSetDto } from './passwords.dto.js';

type Model = abstract new () => object;

const page = { 'text/html': { schema: { type: 'string' } } };

/** Documents an answer that is a page for people, and JSON for programs where there is a class of it. */
function answers(status: number, ...models: Model[]): MethodDecorator {
  const schemas = models.map((model) => ({ $ref: getSchemaPath(model) }));
  const json = { 'application/json': { schema: schemas.length === 1 ? schemas[0] : { oneOf: schemas } } };
  return applyDecorators(
    ApiExtraModels(...models),
    ApiResponse({
      status,
      description: STATUS_CODES[status] ?? '',
      content: models.length > 0 ? { ...page, ...json } : page,
    }),
  );
}

/** The link's secret, which is the credential, and the language of whoever opens it. */
export function TakesLink(): MethodDecorator {
  return applyDecorators(
    ApiQuery({
      name: 'hash',
      required: false,
      schema: { type: 'string' },
      description: 'Of the mailed link.',
    }),
    ApiHeader({
      name: 'Accept-Language',
      required: false,
      description: "What the reader can read; the player's own language comes first.",
      schema: { type: 'string' },
    }),
  );
}

/** Documents a page that shows what a link will do. */
export function ShowsLink(): MethodDecorator {
  return applyDecorators(answers(200), answers(400, MessageFormatDto, GatewayErrorDto), limited([429]));
}

/** Documents what a button, or a program in its place, is answered. */
export function SettlesLink(): MethodDecorator {
  return applyDecorators(
    answers(200, MessageFormatDto),
    answers(400, MessageFormatDto, GatewayErrorDto),
    limited([429]),
  );
}

/** Documents what a form with a new password is answered. */
export function SetsPassword(): MethodDecorator {
  return applyDecorators(
    answers(200, MessageFormatDto),
    ApiResponse({ status: 202, description: STATUS_CODES[202] ?? '', type: PasswordSetDto }),
    answers(400, MessageFormatDto),
    answers(422, FieldCodesDto),
    limited([413, 429]),
  );
}

function limited(statuses: number[]): MethodDecorator {
  return applyDecorators(
    ...statuses.map((status) =>
      ApiResponse({ status, description: STATUS_CODES[status] ?? '', type: GatewayErrorDto }),
    ),
  );
}

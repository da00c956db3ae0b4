import { applyDecorators, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, ApiSecurity, getSchemaPath } from '@nestjs/swagger';
import { STATUS_CODES } from 'node:http';

/** An error of the CRM's routes. */
export class CrmErrorDto {
  /**
   * What is wrong, naming the field.
   * @example consents[0].opted_in must be a boolean value
   */
  error: string;

  /** The HTTP status again. */
  code: number;
}

/** An error of `/oauth`: one of RFC 6749's codes. */
export class OAuthErrorDto {
  /** @example invalid_client */
  error: string;

  /** The HTTP status again. */
  code: number;
}

export class FieldErrorDto {
  field: string;
  message: string;
}

/** RFC 9457 problem details. */
export class ProblemDto {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  errors?: FieldErrorDto[];
}

/** Documents one successful answer of a route. */
export function ApiAnswers(
  status: number,
  type?: Type<unknown>,
  options: { isArray?: boolean } = {},
): MethodDecorator {
  return ApiResponse({ status, description: STATUS_CODES[status] ?? '', ...(type && { type, ...options }) });
}

/** Documents a streamed answer, which is one document or says alone why there is none. */
export function ApiStreams(...types: Type<unknown>[]): MethodDecorator {
  const oneOf = types.map((type) => ({ $ref: getSchemaPath(type) }));
  return applyDecorators(
    ApiExtraModels(...types),
    ApiResponse({
      status: 200,
      description: STATUS_CODES[200] ?? '',
      content: { 'application/json': { schema: { oneOf } } },
    }),
  );
}

/** Every way to present a service client's key; the docs page offers them all. */
export function ApiKeyAuth(): ClassDecorator & MethodDecorator {
  return applyDecorators(
    ApiSecurity('x-auth-token'),
    ApiSecurity('x-api-key'),
    ApiSecurity('bearer'),
    ApiSecurity('basic'),
  );
}

/** The same ways, or none of them. */
export function ApiOptionalKeyAuth(): MethodDecorator {
  return applyDecorators(ApiKeyAuth(), ApiSecurity({}));
}

/** Documents errors `{error, code}`; 401 and 403 go without saying. */
export function CrmErrors(...statuses: number[]): MethodDecorator {
  return errors(CrmErrorDto, 'application/json', [...statuses, 401, 403]);
}

/** Documents OAuth's errors. */
export function OAuthErrors(...statuses: number[]): MethodDecorator {
  return errors(OAuthErrorDto, 'application/json', statuses);
}

/** Documents problem+json errors; 401 and 403 go without saying. */
export function Problems(...statuses: number[]): MethodDecorator {
  return errors(ProblemDto, 'application/problem+json', [...statuses, 401, 403]);
}

/** Documents problem+json errors of an open route; 401 and 429 go without saying. */
export function PublicProblems(...statuses: number[]): MethodDecorator {
  return errors(ProblemDto, 'application/problem+json', [...statuses, 401, 429]);
}

/** Documents what an open page may answer beside pages. */
export function PageProblems(): MethodDecorator {
  return errors(ProblemDto, 'application/problem+json', [429]);
}

/** Documents what an open form may answer beside pages. */
export function PublicFormProblems(): MethodDecorator {
  return errors(ProblemDto, 'application/problem+json', [400, 415]);
}

function errors(type: Type<unknown>, contentType: string, statuses: number[]): MethodDecorator {
  return applyDecorators(
    ApiExtraModels(type, FieldErrorDto),
    ...[...new Set(statuses)].sort().map((status) =>
      ApiResponse({
        status,
        description: STATUS_CODES[status] ?? '',
        content: { [contentType]: { schema: { $ref: getSchemaPath(type) } } },
      }),
    ),
  );
}

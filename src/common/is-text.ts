import { applyDecorators } from '@nestjs/common';
import { IsString, Length, Matches } from 'class-validator';

/** A text of 1 to `max` characters as PostgreSQL keeps it: without NUL, which a query string can hold. */
export function IsText(max: number): PropertyDecorator {
  // The last rule given is the first to be named.
  return applyDecorators(
    Matches(/^[^\0]*$/, { message: '$property must not hold a NUL character' }),
    Length(1, max),
    IsString(),
  );
}

/** Whether a value keeps the rules of IsText. */
export function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= max && !value.includes('\0');
}

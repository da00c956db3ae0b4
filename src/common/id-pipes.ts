import { ParseUUIDPipe, type PipeTransform } from '@nestjs/common';
import { AppError } from './errors.js';

/** An integer id in a path; anything else is not found. */
export const IntIdPipe: PipeTransform<string, number> = {
  transform(value) {
    if (!/^[1-9]\d{0,8}$/.test(value)) throw new AppError('not_found');
    return Number(value);
  },
};

/** A UUID in a path; anything else is not found. */
export const UuidPipe = new ParseUUIDPipe({ exceptionFactory: () => new AppError('not_found') });

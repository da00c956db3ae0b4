import { type ArgumentMetadata, Injectable, type PipeTransform, ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { AppError, type FieldError } from './errors.js';

const ignoresUnknownKeys = Symbol('ignoresUnknownKeys');

/** On a DTO of the CRM's routes: keys it does not know are dropped in silence; everywhere else they are refused by name. */
export function IgnoreUnknownKeys(): ClassDecorator {
  return (target) => Reflect.defineMetadata(ignoresUnknownKeys, true, target);
}

const quickChecks = new Map<unknown, (value: Record<string, unknown>) => boolean>();

/**
 * On the DTO of a hot route: whatever `isValid` says yes to keeps every rule of the class and is taken as it is; the rest
 * goes the ordinary way, which finds the words for what is wrong.
 */
export function QuickCheck(isValid: (value: Record<string, unknown>) => boolean): ClassDecorator {
  return (target) => void quickChecks.set(target, isValid);
}

const options = {
  transform: true,
  whitelist: true,
  validationError: { target: false, value: false },
  exceptionFactory: (errors: ValidationError[]) =>
    new AppError('invalid_input', undefined, flatten(errors, '').slice(0, maxErrors)),
};

const maxErrors = 100;
const primitives = new Set<unknown>([String, Number, Boolean, Array, Object]);

/** The one pipe before every handler: checks the DTO that the handler declares. */
@Injectable()
export class DtoPipe implements PipeTransform {
  private readonly strict = new ValidationPipe({ ...options, forbidNonWhitelisted: true });
  private readonly lenient = new ValidationPipe(options);
  /** Whether a query class is satisfied with nothing: by far the most requests have no query to check. */
  private readonly emptyQueries = new Map<unknown, Promise<boolean>>();

  transform(value: unknown, metadata: ArgumentMetadata): unknown {
    const { metatype, type } = metadata;
    if (type === 'custom' || !metatype || primitives.has(metatype)) return value;
    if (type === 'body' && !isPlainObject(value)) {
      throw new AppError('malformed_body', 'the body must be a JSON object');
    }
    if (type === 'query' && isEmpty(value)) {
      const empty = this.emptyQueries.get(metatype) ?? this.checkEmpty(metatype, metadata);
      return empty.then((isValid) =>
        isValid ? (new metatype() as unknown) : this.strict.transform(value, metadata),
      );
    }
    if (quickChecks.get(metatype)?.(value as Record<string, unknown>)) return value;
    const lenient = Reflect.getMetadata(ignoresUnknownKeys, metatype) === true;
    return (lenient ? this.lenient : this.strict).transform(value, metadata);
  }

  private checkEmpty(metatype: unknown, metadata: ArgumentMetadata): Promise<boolean> {
    const check = Promise.resolve(this.strict.transform({}, metadata)).then(
      () => true,
      () => false,
    );
    this.emptyQueries.set(metatype, check);
    return check;
  }
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  for (const _key in value) return false;
  return true;
}

function flatten(errors: ValidationError[], path: string): FieldError[] {
  return errors.flatMap((error) => {
    const index = /^\d+$/.test(error.property);
    const field = index ? `${path}[${error.property}]` : path ? `${path}.${error.property}` : error.property;
    // The rule that stands first on the field says most; class-validator lists it last.
    const { nestedValidation, ...rules } = error.constraints ?? {};
    const [message = nestedValidation] = Object.values(rules).reverse();
    const own = message === undefined ? [] : [{ field, message: nameField(message, error.property, field) }];
    return [...own, ...flatten(error.children ?? [], field)];
  });
}

function nameField(message: string, property: string, field: string): string {
  return message.startsWith(property) ? field + message.slice(property.length) : `${field}: ${message}`;
}

/** Also keeps class-transformer away from anything but what a parser made: it would rebuild a stream, socket and all. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

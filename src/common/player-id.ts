import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from './errors.js';

export const playerIdPattern = /^[A-Za-z0-9_-]{1,64}$/;
const routeWords = new Set(['import', 'withdraw']);

/** Whether a text may be a player's id; `import` and `withdraw` are routes of the CRM's door, never ids. */
export function isPlayerId(value: unknown): value is string {
  return typeof value === 'string' && playerIdPattern.test(value) && !routeWords.has(value);
}

/** Checks a player id in a path. */
@Injectable()
export class PlayerIdPipe implements PipeTransform<unknown, string> {
  transform(value: unknown, metadata: ArgumentMetadata): string {
    if (isPlayerId(value)) return value;
    const name = metadata.data ?? 'player_id';
    throw invalidField(
      name,
      `${name} must be 1 to 64 letters, digits, _ or -, and not the word import or withdraw`,
    );
  }
}

import { buildMessage, ValidateBy } from 'class-validator';

const maxCodePoints = 200;

/** A JSON text of at most 200 characters (code points), which is kept as it came. */
export function IsMetadata(): PropertyDecorator {
  return ValidateBy({
    name: 'isMetadata',
    validator: {
      validate: isMetadata,
      defaultMessage: buildMessage(
        (prefix) => `${prefix}$property must be a JSON text of at most ${maxCodePoints} characters`,
      ),
    },
  });
}

/** Whether a value keeps that rule. */
export function isMetadata(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  // A code point takes at most two units: what is longer need not be counted.
  if (text.length > 2 * maxCodePoints || [...text].length > maxCodePoints) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

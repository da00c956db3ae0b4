import { apiDocument, type JsonSchema } from './api-document.js';

/** A value for a schema with the mark in every text, valid where that is possible. */
export function fill(schema: JsonSchema, mark: string): unknown {
  const {
    $ref: reference,
    properties,
    items,
    type,
    enum: values,
    example,
  } = schema as {
    $ref?: string;
    properties?: Record<string, JsonSchema>;
    items?: JsonSchema;
    type?: string | string[];
    enum?: unknown[];
    example?: unknown;
  };
  if (reference) return fill(apiDocument.components.schemas[reference.split('/').at(-1) ?? ''] ?? {}, mark);
  if (properties)
    return Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, fill(value, mark)]));
  if (items) return [fill(items, mark)];
  if (values) return values[0];
  const types = [type].flat();
  if (types.includes('boolean')) return true;
  if (types.includes('number') || types.includes('integer')) return example ?? 60;
  if (types.includes('object')) return { [mark]: mark };
  return mark;
}

/** Where a text holds one of these, as it is or in another writing; with what stands around it. */
export function findMarks(text: string, marks: readonly string[]): string[] {
  const lower = text.toLowerCase();
  return marks.flatMap((mark) =>
    writingsOf(mark).flatMap((writing) => {
      const at = lower.indexOf(writing.toLowerCase());
      return at < 0 ? [] : [text.slice(Math.max(0, at - 200), at + 100)];
    }),
  );
}

function writingsOf(text: string): string[] {
  const bytes = Buffer.from(text);
  return [text, encodeURIComponent(text), bytes.toString('base64').slice(0, -4), bytes.toString('hex')];
}

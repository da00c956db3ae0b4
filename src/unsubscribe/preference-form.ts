import { AppError } from '../common/errors.js';
import type { GridChoice } from '../consents/marketing-grid.js';

/** What somebody sent who holds a link. */
export type LinkAct =
  | { act: 'one-click' }
  | { act: 'withdraw' }
  | { act: 'withdraw-all' }
  | { act: 'save'; on: ReadonlySet<string>; shown: ReadonlySet<string>; statement: string; language: string };

const wanted = 'the form must hold List-Unsubscribe=One-Click';
/** A statement's version, or a language. */
const tag = /^[A-Za-z0-9-]{1,64}$/;

/**
 * Reads a form, however it was written. The one pair that RFC 8058 names says all; anything else must be one of the page's own
 * buttons, or it is invalid_input: what nobody asked for is not done.
 */
export function readLinkAct(body: unknown): LinkAct {
  if (typeof body !== 'object' || body === null) throw new AppError('invalid_input', wanted);
  const form = body as Record<string, unknown>;
  const pair = form['List-Unsubscribe'];
  if (pair !== undefined) {
    // Some senders end the body with a line break, which a form takes for a part of its last value.
    if (typeof pair !== 'string' || pair.trim() !== 'One-Click') throw new AppError('invalid_input', wanted);
    return { act: 'one-click' };
  }
  const { act, on, shown, statement, language } = form;
  if (act === 'withdraw' || act === 'withdraw-all') return { act };
  if (act !== 'save' || typeof shown !== 'string' || !isTag(statement) || !isTag(language))
    throw new AppError('invalid_input', wanted);
  const ticked = [on ?? []].flat().filter((name): name is string => typeof name === 'string');
  return { act, on: new Set(ticked), shown: new Set(shown.split(' ')), statement, language };
}

function isTag(value: unknown): value is string {
  return typeof value === 'string' && tag.test(value);
}

/** A box's name in the form. */
export function boxName({ channel, product }: GridChoice): string {
  return product === null ? channel : `${channel}.${product}`;
}

/** The names of the boxes that are on, as the page remembers what it has shown. */
export function shownBoxes(choices: readonly GridChoice[]): string {
  return choices
    .filter(({ optedIn }) => optedIn)
    .map(boxName)
    .join(' ');
}

/**
 * The boxes that were changed: ticked and not shown so, or the reverse. What somebody left alone is no choice, so that a page that was
 * open for long undoes nothing that has happened since.
 */
export function readChoices(
  choices: readonly GridChoice[],
  { on, shown }: Extract<LinkAct, { act: 'save' }>,
): GridChoice[] {
  return choices.flatMap(({ channel, product, optedIn }) => {
    const name = boxName({ channel, product, optedIn });
    return on.has(name) === shown.has(name) ? [] : [{ channel, product, optedIn: on.has(name) }];
  });
}

/** What an event of consent_events says happened. Numbers are for ever. */
export const EventKind = {
  granted: 1,
  changed: 2,
  withdrawn: 3,
  reaffirmed: 4,
  exclusion_started: 5,
  exclusion_ended: 6,
  block_updated: 7,
  block_started: 8,
  block_ended: 9,
  refused: 10,
} as const;
export type EventKindName = keyof typeof EventKind;

const names = new Map<number, EventKindName>(
  Object.entries(EventKind).map(([name, kind]) => [kind, name as EventKindName]),
);

/** The name of an event kind; throws on a number that no release ever wrote. */
export function eventKindName(kind: number): EventKindName {
  const name = names.get(kind);
  if (!name) throw new Error(`unknown event kind ${kind}`);
  return name;
}

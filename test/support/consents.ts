/** The channels in the order of every answer. */
export const channels = [
  'email',
  'sms',
  'siteNotification',
  'telephone',
  'postMail',
  'pushNotification',
] as const;
export type ChannelName = (typeof channels)[number];

/** What each channel is to be: in without products, or in for these; the others are out. */
export type Consents = Partial<Record<ChannelName, true | string[]>>;

/** The body that GET /userconsents/:userid answers, letter by letter. */
export function printed(consents: Consents = {}): string {
  const items = channels.map((type) => {
    const state = consents[type];
    if (state === undefined) return `{"type":"${type}","opted_in":false}`;
    if (state === true) return `{"type":"${type}","opted_in":true}`;
    const products = state.map((product) => `"${product}"`).join(',');
    return `{"type":"${type}","opted_in":true,"products":[${products}]}`;
  });
  return `{"consents":[${items.join(',')}]}`;
}

let players = 0;

/** An id that no player of this file's database has. */
export function newPlayerId(): string {
  players += 1;
  return `new-player_${players}`;
}

/** One item in the seed's own wording. */
export function change(type: string, optedIn: unknown, products?: unknown): Record<string, unknown> {
  return { type, opted_in: optedIn, ...(products !== undefined && { products }) };
}

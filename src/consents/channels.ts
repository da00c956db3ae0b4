/** The marketing channels by their names on the wire, in the order of every answer, and their code in the database. */
export const Channel = {
  email: 1,
  sms: 2,
  siteNotification: 5,
  telephone: 3,
  postMail: 4,
  pushNotification: 6,
  chat: 7,
} as const;
export type ChannelName = keyof typeof Channel;

/** The six that the CRM knows; `chat` is shown by the gateway alone. */
export const crmChannels = [
  'email',
  'sms',
  'siteNotification',
  'telephone',
  'postMail',
  'pushNotification',
] as const;
export type CrmChannel = (typeof crmChannels)[number];

/** What the events of a player's blocks stand under in place of a channel. */
export const BlockChannel = { excluded: 20, blocked: 21 } as const;
export type BlockName = keyof typeof BlockChannel;

/** What the events of records with a row of their own stand under; `target_id` names the row. */
export const recordChannel = { universal: 30, policy: 31 } as const;

/** The channels and blocks of a player are below it, records above. */
export const firstRecordChannel = 30;

const namesByCode = new Map<number, ChannelName | BlockName>(
  [...Object.entries(Channel), ...Object.entries(BlockChannel)].map(([name, code]) => [
    code,
    name as ChannelName | BlockName,
  ]),
);

/** The name of a channel or block code; throws on a code that no release ever wrote. */
export function channelName(code: number): ChannelName | BlockName {
  const name = namesByCode.get(code);
  if (!name) throw new Error(`unknown channel code ${code}`);
  return name;
}

/** Whether a text names one of the CRM's channels. */
export function isCrmChannel(name: unknown): name is CrmChannel {
  return (crmChannels as readonly unknown[]).includes(name);
}

/** The brand setting `productsRequiredOn` as the bit mask that the database keeps. */
export function channelsToMask(names: readonly ChannelName[]): number {
  return names.reduce((mask, name) => mask | (1 << Channel[name]), 0);
}

/** The inverse of channelsToMask. */
export function maskToChannels(mask: number): ChannelName[] {
  return (Object.keys(Channel) as ChannelName[]).filter((name) => mask & (1 << Channel[name]));
}

// What all baselines share: names, masks and the answer's JSON, worked out once as an expert would.
export const BRAND_ID = 1;
export const PRODUCTS = ['casino', 'sports', 'lottery', 'bingo'];

/** In the order of the answer: name on the wire, column, code. */
export const CHANNELS = [
  { name: 'email', column: 'email', code: 1 },
  { name: 'sms', column: 'sms', code: 2 },
  { name: 'siteNotification', column: 'site_notification', code: 5 },
  { name: 'telephone', column: 'telephone', code: 3 },
  { name: 'postMail', column: 'post_mail', code: 4 },
  { name: 'pushNotification', column: 'push_notification', code: 6 },
];
export const CHANNEL_BY_NAME = new Map(CHANNELS.map((channel) => [channel.name, channel]));

/** The tail of a consent's JSON for every mask there can be. */
const TAILS = Array.from({ length: 2 << PRODUCTS.length }, (_, mask) => {
  if (!(mask & 1)) return '"opted_in":false}';
  const products = PRODUCTS.filter((_product, index) => mask & (2 << index));
  return products.length ? `"opted_in":true,"products":${JSON.stringify(products)}}` : '"opted_in":true}';
});

/** @param {Record<string, number>} row a marketing_states row @returns {string} the body of the answer */
export function consentsJson(row) {
  return (
    `{"consents":[{"type":"email",${TAILS[row.email]},{"type":"sms",${TAILS[row.sms]},` +
    `{"type":"siteNotification",${TAILS[row.site_notification]},{"type":"telephone",${TAILS[row.telephone]},` +
    `{"type":"postMail",${TAILS[row.post_mail]},{"type":"pushNotification",${TAILS[row.push_notification]}]}`
  );
}

/** @param {{opted_in: boolean, products?: string[]}} item @returns {number} the mask it asks for */
export function maskOf({ opted_in: isOptedIn, products = [] }) {
  return isOptedIn ? products.reduce((mask, name) => mask | (2 << PRODUCTS.indexOf(name)), 1) : 0;
}

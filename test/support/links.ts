import type { TestApp } from './test-app.js';

export interface LinkToMint {
  player_id: string;
  channel: string;
  product?: string;
  campaign?: string;
}

/** The path of a new link to unsubscribe. */
export async function mint(app: TestApp, link: LinkToMint, token?: string): Promise<string> {
  const answer = await app.call('POST', '/unsubscribe-links', {
    body: { links: [link] },
    ...(token !== undefined && { token }),
  });
  const [made] = answer.as<{ links: { url: string }[] }>().links;
  return new URL(made?.url ?? '').pathname;
}

/** What a mail program sends, written as most of them do. */
export const oneClick = {
  token: null,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: 'List-Unsubscribe=One-Click',
};

/** A form of the page, as a browser sends it. */
export function form(fields: [string, string][]) {
  return { ...oneClick, body: new URLSearchParams(fields).toString() };
}

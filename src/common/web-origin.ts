/** The origin that a text names, as browsers print it (`https://shop.example:8443`); null when it is no http(s) origin. */
export function toWebOrigin(text: string): string | null {
  return /^https?:\/\/[^/\\?#@*\s]+\/?$/i.test(text) && URL.canParse(text) ? new URL(text).origin : null;
}

/** The host of an Origin header, with its port where it has one; null when no page of the web has that origin. */
export function hostOfOrigin(header: string): string | null {
  return toWebOrigin(header) === header ? new URL(header).host : null;
}

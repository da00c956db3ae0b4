export const deliveryFailureReasons = [
  'timeout',
  'address_refused',
  'name_not_found',
  'connection_refused',
  'connection_reset',
  'unreachable',
  'tls',
  'protocol',
  'closed',
  'unknown',
] as const;
export type DeliveryFailureReason = (typeof deliveryFailureReasons)[number];

/** No whole answer came. Nothing in it tells an address, so that it can be stored and shown. */
export class DeliveryFailure extends Error {
  constructor(
    readonly reason: DeliveryFailureReason,
    /** The error code beneath the reason, such as CERT_HAS_EXPIRED. */
    readonly code?: string,
    /** Milliseconds from the start of the attempt. */
    readonly durationMs: number = 0,
  ) {
    super(reason);
  }
}

const reasonsByCode: readonly (readonly [RegExp, DeliveryFailureReason])[] = [
  [/^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/, 'timeout'],
  [/^ECONNREFUSED$/, 'connection_refused'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'connection_reset'],
  [/^(EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM|EINVAL)$/, 'unreachable'],
  [/^(EPROTO$|ERR_(TLS|SSL|OSSL)_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/, 'tls'],
  [/^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH)$/, 'tls'],
  [/^(HPE_|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_)/, 'protocol'],
];

/** What an error of sockets, TLS or undici means to whoever waits for the delivery. */
export function failureOf(error: Error): DeliveryFailure {
  if (error instanceof DeliveryFailure) return error;
  const code = codeOf(error);
  // undici has one code for a connection that went away and an answer it did not ask for, and none for its parser.
  const isUnasked = code === 'UND_ERR_SOCKET' && error.message.startsWith('bad ');
  if (isUnasked || error.name === 'HTTPParserError') return new DeliveryFailure('protocol', code);
  const found = reasonsByCode.find(([pattern]) => code !== undefined && pattern.test(code));
  return new DeliveryFailure(found?.[1] ?? 'unknown', code);
}

/** The `code` of whatever was thrown. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

import { STATUS_CODES } from 'node:http';

/**
 * What callers read when something is wrong. Tests take every expected error from here, so that a change of wording is a
 * change of one file.
 */
export const errorText = {
  unauthorized: 'a valid x-auth-token (or API key) is needed',
  twoCredentials: 'two different credentials in one request',
  otherScheme: 'Authorization takes Bearer or Basic',
  forbidden: 'this credential may not do that',
  lacksScope: (scope: string) => `this credential lacks the scope ${scope}`,
  notFound: 'not found',
  userNotFound: 'user not found',
  noSuchBrand: 'there is no such brand',
  noSuchClient: 'there is no such client',
  noSuchIntegration: 'there is no such integration',
  noSuchSession: 'there is no such session',
  malformedBody: 'the body is not valid JSON',
  unreadablePath: 'the path cannot be read',
  unreadableRequest: 'this is not a request that can be read',
  notUtf8: 'the body is not valid UTF-8',
  holdsNul: 'the body holds a NUL character',
  halfPair: 'the body holds half a surrogate pair',
  protoKey: 'the key __proto__ is not taken',
  keyTwice: (key: string) => `the key "${key}" comes twice`,
  tooDeep: 'the body is nested deeper than 32 levels',
  bodyBrokeOff: 'the body broke off',
  givenTwice: (key: string) => `${key} is given twice, in the query and in the body, with different values`,
  notForAQuery: (key: string) => `${key} must be a text, a number that is kept exactly, or a boolean`,
  notAnObject: 'the body must be a JSON object',
  unsupportedBody: 'send the body as application/json',
  bodyTooLarge: 'the body is larger than this route takes',
  bodyTooSlow: 'the body took too long to arrive',
  keyInProgress: 'a request with this Idempotency-Key is still in progress: send it again in a moment',
  keyReused: 'this Idempotency-Key was used with another body: take a new key for a new request',
  keyLength: 'Idempotency-Key must have 1 to 255 characters',
  tooManyRequests: 'too many requests: try again later',
  internal: 'internal server error',
  unavailable: 'the service cannot answer just now: try again in a few seconds',
  badUserId: 'userid must be 1 to 64 letters, digits, _ or -, and not the word import or withdraw',
  badPlayerId: 'id must be 1 to 64 letters, digits, _ or -, and not the word import or withdraw',

  badLinkPlayer:
    'links[0].player_id must be 1 to 64 letters, digits, _ or -, and not the word import or withdraw',

  unknownField: (field: string) => `unknown field: ${field}`,
  fieldNotAString: 'field must be a string',
  tooManyRuns: (places: number) =>
    `${places} reconciliation runs of this brand are under way: wait until one has ended`,

  consentsNotAList: 'consents must be an object or a list',
  consentsEmpty: 'consents must contain at least 1 elements',
  consentsTooMany: 'consents must contain no more than 6 elements',
  consentNotAnObject: 'consents[0]: each value in nested property consents must be either object or array',
  unknownChannel: (field: string) =>
    `${field} must be one of the following values: email, sms, siteNotification, telephone, postMail, pushNotification`,
  channelMissing: 'consents[0].type is missing: name the channel',
  channelsDiffer: 'consents[0]: type (email) and channel (sms) must not differ',
  channelTwice: (index: number, channel: string) => `consents[${index}]: the channel ${channel} comes twice`,
  notBoolean: 'consents[0].opted_in must be a boolean value',
  productsNotAList: 'consents[0].products must be an array',
  productsNotTexts: 'consents[0].products: each value in products must be a string',
  tooManyProducts: 'consents[0].products must contain no more than 100 elements',
  unknownProduct: (field: string, name: string, known = 'casino, sports, lottery, bingo') =>
    `${field}: unknown product ${JSON.stringify(name)} (the brand has: ${known})`,
  productsMissing: (channel: string) =>
    `consents[0].products is missing: the brand requires products on ${channel}`,
  cannotOptIn: (player: string, reason: 'self-excluded' | 'blocked') =>
    `opted_in: player ${player} is ${reason} and cannot be opted in; a withdrawal is always taken`,
  badInstant: 'at must be an RFC 3339 instant, such as 2026-01-31T12:00:00Z',
  futureInstant: 'at must not lie in the future',
  instantTwice: 'at must be a string',
  badCursor: 'cursor must be the `next` of an earlier page',
  limitTooSmall: 'limit must not be less than 1',
  limitTooLarge: 'limit must not be greater than 1000',
  limitNotInteger: 'limit must be an integer number',

  unknownKey: (key: string, field = key) => `${field}: property ${key} should not exist`,
  unique: (field: string) => `${field}: All ${field}'s elements must be unique`,
  productNames: 'products must be names of up to 40 letters, digits, _ or -',
  hostNames: 'hosts must be names without a scheme, such as shop.example or shop.example:8443',
  fraudDomains: 'fraudEmailDomains must be domains such as trash.example, in ASCII (xn--…)',
  hostTaken: (host: string) => `hosts: ${host} belongs to another brand`,
  aliasMap: 'productAliases must map names of up to 40 letters, digits, _ or - to products',
  aliasOfNothing: (alias: string, product: string) =>
    `productAliases.${alias}: ${product} is not a product of the brand`,
  aliasIsProduct: (alias: string) => `productAliases.${alias} is the name of a product`,
  oneOfChannels: (field: string) =>
    `${field}: each value in ${field} must be one of the following values: email, sms, siteNotification, telephone, postMail, pushNotification`,
  notAnOrigin: (field: string) => `${field} must be the origin of a page, such as https://shop.example`,
  unknownScope:
    'scopes: each value in scopes must be one of the following values: consents:read, consents:write, consents:import, ' +
    'reconciliation:read, universal:read, universal:write, policy:read, policy:write, policies:manage, webhooks:manage, ' +
    'players:manage, sessions:manage, admin',
  eventNotAnObject: 'events[1] must be an object',
  eventId: 'events[1].id must be 1 to 100 letters, digits, ., _, : or -',
  eventType:
    'events[1].type must be one of the following values: bet, win, deposit, withdrawal, wagering_complete',
  eventAmount: 'events[1].amount must not be less than 0',
  eventTime: 'events[1].at must be an RFC 3339 instant, such as 2026-01-31T12:00:00Z',
  eventInFuture: 'events[1].at must not lie in the future',
  eventData: 'events[1].data must be an object of up to 4000 characters',
  eventsNotAList: 'events must be an array',
  tooManyEvents: 'events must contain no more than 10000 elements',
  notAnAmount: (field: string) =>
    `${field} must be an amount of EUR up to 100000000000, with at most 2 decimals`,
  notANumber: (field: string) => `${field} must be a number conforming to the specified constraints`,
  notAnInteger: (field: string) => `${field} must be an integer number`,
  printedTime: (field: string) => `${field} must be a time as YYYY-MM-DD HH:MM:SS in UTC, or empty`,
  noSuchGameSession: 'there is no such game session',
  sessionPlayer: 'player_id must be 1 to 64 letters, digits, _ or -',
  colour: 'colour must be like #0b4fb3',
  labelMap: 'productLabels must map products to objects of languages to texts of up to 60 characters',
  statementMap:
    'marketingStatement.texts must map languages, such as en or pt-BR, to texts of up to 2000 characters',
  statementLanguage: (language: string) =>
    `marketingStatement.texts must hold one in the brand's default language, ${language}`,
  productsHeld: (count: number, product: string) =>
    `${count} players still have a consent for the product ${product}: it cannot be removed`,
  crmNeedsBaseUrl: 'crm.baseUrl is needed before the CRM can be switched on',
  badUntil: 'excluded.until must be an RFC 3339 instant, such as 2027-05-01T00:00:00Z',
  untilInPast: 'excluded.until must lie in the future',
  importEmpty: 'the file is empty: its first line must name the columns',
  importColumns:
    'the first line must name the columns player_id,channel,opted_in,products,occurred_at,source: ' +
    'player_id, channel, opted_in, occurred_at is missing',
  importFormat: 'format must be one of the following values: csv, ndjson',
  withdrawnChannel:
    'channel must be one of the following values: email, sms, siteNotification, telephone, postMail, pushNotification, all',
  withdrawalSource: 'source must be a text without control characters',
  importUnderWay: 'another import of this brand is under way',
  consentGiven: (field: string) => `${field} must be one of the following values: All, Partial, None`,
  notAText: (field: string) => `${field} must be a string`,
  tooShort: (field: string) => `${field} must be longer than or equal to 1 characters`,
  tooLong: (field: string, max: number) => `${field} must be shorter than or equal to ${max} characters`,
  holdsNulIn: (field: string) => `${field} must not hold a NUL character`,
  metadata: 'Metadata must be a JSON text of at most 200 characters',
  badClientId: 'ClientId must be 64 hexadecimal digits',
  noRecord: 'nothing is recorded for this ClientId and Reference',
  nothingToChange: 'ConsentGiven or Metadata must be given: there is nothing to change',
  noSuchPolicy: 'there is no such policy',
  nothingInForce: 'no version of this policy is in force',
  notPublished: (version: string) => `there is no version ${version} that is published`,
  oldVersion: (version: string, current: string) =>
    `version ${version} is not current any more: show version ${current} and ask again`,
  noPolicyRecord: 'nothing is recorded for this ClientId and PolicyId',
  noSuchClientId: 'there is no such ClientId',
  twoSubjects: 'ClientId and CustomUserId are not the same subject',
  notALanguage: (field: string) => `${field} must be a language, such as en or pt-BR`,
  notABoolean: (field: string) => `${field} must be a boolean value`,
  trueOrFalse: (field: string) => `${field} must be one of the following values: true, false`,
  notWithClientId: (field: string) => `${field} does not go with ClientId: leave ClientId out to list`,
  clientIdTwice: 'ClientId is given twice, in the path and beside it, with different values',
  policyIdMissing: 'PolicyId must be given with ClientId',
  versionInList: 'Version goes with ClientId: PolicyVersion filters the list',
  noSuchSubject: 'there is no such subject',
  noSuchSubscription: 'there is no such subscription',
  noSuchDelivery: 'there is no such delivery: it has left, or never was',
  subscriptionOff: 'the subscription is switched off: a ping that arrives switches it on',
  webhookUrl: 'WebhookUrl must be an http or https address, such as https://example.com/webhooks',
  webhookUrlLength: 'WebhookUrl must not be longer than 2048 characters',
  webhookUser: 'WebhookUrl must not hold a user name or a password',
  webhookAddress:
    'WebhookUrl must lead to a public address: webhooks are not sent to loopback, private or reserved ones',
  webhookHttps: 'WebhookUrl must be an https address, such as https://example.com/webhooks',
  webCustomUserId: 'CustomUserId is not taken without a credential: the brand does not allow it',
  integrationOrigin: 'this integration is not for pages of this origin',
  pageCursor: 'cursor must be the one of an earlier page',
  badDay: (field: string) =>
    `${field} must be a day or an RFC 3339 instant, such as 2026-01-31 or 2026-01-31T12:00:00Z`,
  toBeforeFrom: 'ToDate must not be before FromDate',
  noSuchVersion: 'there is no such version',
  noVersion: (version: string) => `there is no version ${version}`,
  versionPublished: (version: string) => `version ${version} is published already`,
  versionNeverChanges: (version: string) =>
    `version ${version} is published and never changes: take a new one`,
  policyType: 'Type must be one of the following values: Privacy, Cookie, TermsOfService',
  languageTwice: (field: string, language: string) => `${field}: the language ${language} comes twice`,
  defaultLanguageMissing: (language: string) =>
    `Texts must hold one in the policy's default language, ${language}`,
  versionName:
    'Version must be 1 to 50 letters, digits, spaces, ., _ or -, the first and the last a letter or digit',
  textEmpty: (field: string) => `${field}: nothing is left of the text once it is made safe`,
  textTooDeep: (field: string) => `${field}: the text is nested too deeply`,
  textFormat: (field: string) => `${field} must be one of the following values: html, markdown`,
  tooFew: (field: string) => `${field} must contain at least 1 elements`,
  tooMany: (field: string, most: number) => `${field} must contain no more than ${most} elements`,
  notBooleanValue: (field: string) => `${field} must be a boolean value`,
  notABrandPolicy: (field: string, type: string) =>
    `${field} must be the id of a policy of the brand, of the type ${type}`,
  untilWithoutExclusion: 'excluded.until goes with active: true',
} as const;

/** What a reconciliation route answers that could not begin. */
export function runError(word: string): string {
  return `{"error":"${word}"}`;
}

/** An error body of `/userconsents*` and `/userblocks*`, letter by letter. */
export function crmError(code: number, error: string): string {
  return JSON.stringify({ error, code });
}

/** An error body of `/oauth`: a code of RFC 6749. */
export function oauthError(code: number, error: string): string {
  return JSON.stringify({ error, code });
}

/** A problem+json body, letter by letter; with a field when a rule about the input was broken. */
export function problem(status: number, detail: string, instance: string, field?: string): string {
  return JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail,
    instance,
    ...(field !== undefined && { errors: [{ field, message: detail }] }),
  });
}

import { createHash } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import type { Config } from './config/config.js';
import { demoBonus, demoGameSession } from './demo-activity.js';
import { demoIds, demoWebhookUrl } from './demo-data.js';
import { demoPolicyIds } from './demo-policies.js';

const description = `Who may be contacted, on which channel, about which product, and the proof of it.

Every route but those of Authentication and Operations' health wants a service client's key: press **Authorize** and
give it in one of the ways listed there. A key sees its own brand and does what its scopes allow. Routes of Personal details are
for players, and want the session of a log-in in its place.

Beside the answers listed at each route, any route may answer 408 (the body came too slowly), 413 (it is too long),
415 (it is not JSON) and 503 with \`Retry-After\` (the database is away): try again, or mend the request. Errors have the
shape that is shown at the route.`;

const howToTry = `**To try it**, press **Authorize**, paste the token that the service printed when it started
(\`demo-service-key\` unless you chose another) under **x-auth-token** and press **Authorize** beneath it; then open a
route and press **Execute**. Players \`1001\` to \`1005\` of brand 1 are there; \`1005\` has excluded itself.
The ClientId that the page fills in is a visitor's of the demo's web site, the PolicyId that of its terms, whose version 1.1 is a draft;
webhooks go to port 4000 of this machine.

**As a player**: execute **Log in** under Personal details (\`player1001\`, password \`Passw0rd1\`) or register a new player, and paste the
\`auth_token\` that comes back under **session**. Where a log-in asks for a code, its \`2fa_auth_token\` goes under **2fa-auth-token**.`;

/** The order of the page, too. */
const tags = {
  'UKGC consents': "A player's opt-ins by channel and product, as the CRM reads and changes them",
  Unsubscribe: 'Links that withdraw consent: for people a page, for mail programs one click',
  Reconciliation: 'Everybody who is opted in, and where the CRM has it otherwise',
  'Universal consent': 'Consent of anyone to anything: recorded, checked, listed, and told to who subscribes',
  'Policy consent': 'Which text, which version, who agreed, and when to ask again',
  'Personal details': 'What a player sees and changes of its own, with the session of a log-in',
  Internal: "Players, their blocks, sessions, games and figures, as the operator's platform tells of them",
  Administration: "The brand's settings, its service clients and integrations",
  Authentication: 'Access tokens, for callers that cannot send a key',
  Operations: 'For orchestrators and monitoring',
};

/** Demo values for path parameters, by path and name, so that a route can be tried as it stands. */
const pathExamples: [path: RegExp, example: string | number][] = [
  [/^\/(userconsents|userblocks|internal\/players)\//, '1001'],
  [/^\/api\/brands\//, 1],
  [/^\/api\/deliveries\//, '1'],
  [/^\/api\/(universalconsent|policyconsent|subjects)\/\{clientId\}/, demoIds.clientId],
  [/^\/api\/policies\/.*diff.* version$/, '1.0'],
  // A draft, until it is published.
  [/^\/api\/policies\/.* (other|version)$/, '1.1'],
  [/^\/(api\/)?policies\//, demoPolicyIds.terms],
  [/^\/gateway\/.* version$/, '1.0'],
  [/^\/gateway\/.* brand_id$/, 1],
  [/^\/gateway\/.* language$/, 'en'],
  [/^\/gateway\/.* type$/, 'tnc'],
  [/^\/gateway\/.* message_string$/, 'general_failure'],
  [/^\/gateway\/.* game_session_id$/, demoGameSession],
  [/^\/gateway\/.* player_id$/, '1001'],
  [/^\/gateway\/.* unique_ref_id$/, demoBonus],
  [/^\/api\/universalconsent\/integration\//, demoIds.integration],
  [/^\/unsubscribe\//, 'a-link-made-by-POST-unsubscribe-links'],
  // Not its DELETE: what the other routes try would be gone.
  [/^\/api\/universalconsent\/subscriptions\/\{id\}\//, demoIds.subscription],
];

/** The same for query parameters that a route cannot do without, and for bodies that are not a sum of their fields' examples. */
const queryExamples: Record<string, string> = {
  PolicyId: demoPolicyIds.terms,
  ClientId: demoIds.clientId,
  player_id: '1001',
};
const bodyExamples: Record<string, object> = {
  Login: { user_name: 'player1001', password: 'Passw0rd1' },
  Registration: {
    loginName: 'jane.doe',
    email: 'jane.doe@example.com',
    password: 'Secr3t-words',
    over18: true,
    signTNC: true,
    language: 'en',
    currency: 'EUR',
  },
  Activity: {
    vip_level: 'Bronze',
    total_balance: 936.04,
    real_balance: 906.04,
    bonusBalance: 30,
    maxBalance: 93604,
    wageringBalance: 1540.12,
  },
  PlayerEvents: {
    events: [
      { id: 'bet-4711', type: 'bet', amount: 2.5, at: '2026-01-31T12:00:00Z' },
      { id: 'win-4711', type: 'win', amount: 10, at: '2026-01-31T12:00:03Z' },
    ],
  },
  NewGameSession: { player_id: '1001', game_id: 'starburst' },
  MarketingPreferencesChanges: {
    preferences: [{ channel: 'email', products: [{ product: 'casino', opted_in: true }] }],
    textVersion: 'default-1',
  },
  DetailsChange: {
    firstName: 'Jane',
    lastName: 'Doe',
    birthdate: '1996-11-02',
    gender: 'F',
    language: 'en',
    country: 'GB',
    city: 'London',
    address: '1 High Street',
    zipPostalCode: 'SW1A 1AA',
    phone: '44-7400123456',
    comment: 'moved house',
    operator: 'Player',
    optOut: '{"chat": false}',
  },
  // One of the two names that the address may have.
  EmailChange: { email: 'ada.demo@example.com', comment: 'another provider' },
  RecordPolicyConsent: {
    PolicyId: demoPolicyIds.terms,
    ConsentGiven: true,
    Language: 'en',
    Version: '1.0',
    CustomUserId: 'jane@example.com',
  },
  CreatePolicy: { Name: 'Cookies', Type: 'Cookie', DefaultLanguage: 'en' },
  DraftVersion: {
    Version: '2.0',
    Material: true,
    EffectiveFrom: null,
    Texts: [{ Language: 'en', Format: 'markdown', Text: '# Terms\n\nYou must be **18** or older.' }],
  },
};

/** The OpenAPI document of the routes as they are. */
export function createDocument(app: NestFastifyApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Player Consent')
    .setDescription(description)
    .setVersion('1.0')
    .addSecurity('x-auth-token', {
      type: 'apiKey',
      in: 'header',
      name: 'x-auth-token',
      description:
        "A service client's key. **One of the four ways is enough**; this is the one to try first.",
    })
    .addSecurity('session', {
      type: 'apiKey',
      in: 'header',
      name: 'x-auth-token',
      description:
        "A player's session, for the routes of Personal details: the `auth_token` of a log-in or a registration.",
    })
    .addSecurity('2fa-auth-token', {
      type: 'apiKey',
      in: 'header',
      name: '2fa-auth-token',
      description:
        'What waits for a code: the `2fa_auth_token` of a log-in or of a change of the phone number.',
    })
    .addSecurity('x-api-key', {
      type: 'apiKey',
      in: 'header',
      name: 'X-Api-Key',
      description: 'The same key under the name that some callers are fixed to.',
    })
    .addSecurity('bearer', {
      type: 'http',
      scheme: 'bearer',
      description: 'The same key, or an access token from `/oauth/token`.',
    })
    .addSecurity('basic', {
      type: 'http',
      scheme: 'basic',
      description: "The client's id as user name (`demo`), its key as password.",
    });
  for (const [name, text] of Object.entries(tags)) builder.addTag(name, text);
  const document = SwaggerModule.createDocument(app, builder.build(), {
    operationIdFactory: (_controller, method) => method,
    ignoreGlobalPrefix: true,
  });
  for (const [path, item] of Object.entries(document.paths)) {
    const { get, put, post, delete: remove, patch } = item;
    for (const operation of [get, put, post, remove, patch]) if (operation) polish(path, operation);
  }
  return withoutDtoNames(document);
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** A title of one sentence, with what follows it beneath; parameters that can be sent as they are shown. */
function polish(path: string, operation: Operation): void {
  const text = (operation.summary ?? '').replaceAll(/\s+/g, ' ');
  const [title = ''] = /^.*?[.?](?= |$)/.exec(text) ?? [text];
  operation.summary = title.replace(/\.$/, '');
  const rest = [text.slice(title.length).trim(), operation.description].filter(Boolean).join('\n\n');
  if (rest) operation.description = rest;
  for (const parameter of operation.parameters ?? []) {
    if ('$ref' in parameter) continue;
    const place = `${path} ${parameter.name}`;
    const example = pathExamples.find(([pattern]) => pattern.test(place))?.[1];
    if (parameter.in === 'path' && example) parameter.example = example;
    // The page fills `example` in and sends it; `examples` are only shown.
    const schema = parameter.schema as Record<string, unknown> | undefined;
    if (parameter.in === 'query' && parameter.required && !(schema && 'example' in schema)) {
      const known = queryExamples[parameter.name];
      if (known !== undefined) parameter.example = known;
    }
    if (!parameter.required && schema && 'example' in schema) {
      schema.examples = [schema.example];
      delete schema.example;
    }
  }
}

/** `ConsentsDto` is our name for the class; readers and generated clients see `Consents`, with an example where there is one. */
function withoutDtoNames(document: OpenAPIObject): OpenAPIObject {
  const renamed = JSON.parse(
    JSON.stringify(document).replaceAll(/("#\/components\/schemas\/\w+)Dto"/g, '$1"'),
  ) as OpenAPIObject;
  const schemas = Object.entries(renamed.components?.schemas ?? {});
  return {
    ...renamed,
    components: {
      ...renamed.components,
      schemas: Object.fromEntries(
        schemas.map(([className, schema]) => {
          const name = className.replace(/Dto$/, '');
          return [name, name in bodyExamples ? { ...schema, example: bodyExamples[name] } : schema];
        }),
      ),
    },
  };
}

/** Swagger UI's own looks, but calmer, and with text that can be read on its background. */
const stylesheet = `
  .swagger-ui { --ink: #1f2937; --quiet: #4b5563; --blue: #1d4f91; --green: #17633a; --red: #b42318; color: var(--ink) }
  .swagger-ui, .swagger-ui .btn, .swagger-ui .info .title, .swagger-ui .info p, .swagger-ui .opblock-tag,
  .swagger-ui .opblock-tag small, .swagger-ui .opblock-summary-description, .swagger-ui .opblock-description-wrapper p {
    font-family: system-ui, sans-serif }
  .swagger-ui .wrapper { max-width: 1120px }
  .swagger-ui .info { margin: 32px 0 8px }
  .swagger-ui .info .title { font-size: 32px; color: var(--ink) }
  .swagger-ui .info .title small { background: var(--quiet) }
  .swagger-ui .info .title small.version-stamp { background: #3f6212 }
  .swagger-ui .info p, .swagger-ui .opblock-description-wrapper p { max-width: 85ch; margin: 0 0 12px; font-size: 15px; line-height: 1.5 }
  .swagger-ui .markdown code, .swagger-ui .renderedMarkdown code { padding: 1px 4px; font-size: 13px; color: #7a1f5c; background: #f3eef2 }
  .swagger-ui .scheme-container { margin: 0; padding: 0 0 8px; background: none; box-shadow: none }
  .swagger-ui .btn.authorize, .swagger-ui .btn.try-out__btn { color: var(--green); border-color: var(--green) }
  .swagger-ui .btn.authorize svg { color: var(--green) }
  .swagger-ui .btn.cancel { color: var(--red); border-color: var(--red) }
  .swagger-ui .btn.execute { background: var(--blue); border-color: var(--blue) }
  .swagger-ui .opblock-tag { font-size: 20px; color: var(--ink) }
  .swagger-ui .opblock-tag small, .swagger-ui .parameter__in, .swagger-ui .json-schema-2020-12-expand-deep-button { color: var(--quiet) }
  .swagger-ui .opblock-tag { flex-wrap: wrap }
  @container swagger-ui (max-width: 640px) { .swagger-ui .opblock-tag small { flex: 1 0 100%; order: 1 } }
  .swagger-ui .opblock { border-radius: 6px; box-shadow: none }
  .swagger-ui .opblock.opblock-get .opblock-summary-method { background: var(--blue) }
  .swagger-ui .opblock.opblock-post .opblock-summary-method { background: var(--green) }
  .swagger-ui .opblock.opblock-put .opblock-summary-method { background: #8a4b08 }
  .swagger-ui .opblock.opblock-patch .opblock-summary-method { background: #0f5e59 }
  .swagger-ui .opblock.opblock-delete .opblock-summary-method { background: var(--red) }
  .swagger-ui .response-col_links { display: none }
  .swagger-ui .download-contents { background: var(--quiet) }
  .swagger-ui .dialog-ux .modal-ux { width: 900px; max-width: 92vw }
  .swagger-ui .dialog-ux .modal-ux-content {
    display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); max-height: 75vh; padding: 8px 24px }
  .swagger-ui .auth-container, .swagger-ui .auth-container:last-of-type { margin: 0; padding: 8px 16px; border: 0 }
  .swagger-ui .auth-container input { width: 100% }
  .swagger-ui .auth-btn-wrapper { justify-content: flex-start; padding: 8px 0 }
  .swagger-ui .auth-container .btn-done { display: none }
`;

interface PageElement {
  focus(): void;
  setAttribute(name: string, value: string): void;
}
interface Page {
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement>;
}
declare const document: Page;
declare const MutationObserver: new (
  callback: () => void,
) => { observe(target: unknown, options: { childList: boolean; subtree: boolean }): void };

/**
 * Runs in the browser, whither its text is sent, once the page is there. Names what Swagger UI leaves nameless for a
 * screen reader, and starts the dialog of credentials at its first field, not at its last.
 */
function improvePage(): void {
  let isDialogOpen = false;
  const improve = () => {
    const name = (selector: string, attribute: string, value: string) => {
      for (const element of document.querySelectorAll(`${selector}:not([${attribute}="${value}"])`)) {
        element.setAttribute(attribute, value);
      }
    };
    name('.close-modal', 'aria-label', 'Close');
    name('.auth-container .authorize', 'aria-label', 'Authorize');
    name('.auth-container .modal-btn:not(.authorize):not(.btn-done)', 'aria-label', 'Logout');
    name('.body-param__text', 'aria-label', 'Request body');
    name('#servers', 'aria-label', 'Server');
    name('pre.microlight', 'tabindex', '0');
    const field = document.querySelector('.auth-container input');
    if (field && !isDialogOpen) field.focus();
    isDialogOpen = document.querySelector('.dialog-ux') !== null;
  };
  new MutationObserver(improve).observe(document.querySelector('#swagger-ui'), {
    childList: true,
    subtree: true,
  });
  improve();
}

const charset = '<meta charset="UTF-8">';
const viewport = '<meta name="viewport" content="width=device-width, initial-scale=1">';

const sourceHash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** What the page needs of its own host, and nothing of any other; styles in the page only as we wrote them. */
function contentSecurityPolicy(page: unknown): string {
  const html = typeof page === 'string' ? page : '';
  const styles = [...html.matchAll(/<style>([^]*?)<\/style>/g), ...html.matchAll(/ style="([^"]*)"/g)];
  const hashes = styles.map(([, style = '']) => sourceHash(style)).join(' ');
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' ${hashes && `'unsafe-hashes' ${hashes}`}`.trim(),
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

/** Says how to try the routes, and fills in an address for webhooks that is not a stranger's. */
function showDemo(document: OpenAPIObject): void {
  document.info.description = `${description}\n\n${howToTry}`;
  const subscribe = document.components?.schemas?.Subscribe;
  const url = subscribe && 'properties' in subscribe ? subscribe.properties?.WebhookUrl : undefined;
  if (url && 'example' in url) url.example = demoWebhookUrl;
}

/** Serves the reference page under /docs and the document under /docs-json, without any other host. */
export function setupDocs(app: NestFastifyApplication, config: Config): void {
  const document = createDocument(app);
  if (config.PATH_PREFIX) document.servers = [{ url: config.PATH_PREFIX }];
  if (!config.isProduction) showDemo(document);
  SwaggerModule.setup(`${config.PATH_PREFIX}/docs`, app, document, {
    jsonDocumentUrl: `${config.PATH_PREFIX}/docs-json`,
    yamlDocumentUrl: `${config.PATH_PREFIX}/docs-yaml`,
    customSiteTitle: 'Player Consent API',
    customCss: stylesheet,
    swaggerOptions: {
      layout: 'BaseLayout',
      validatorUrl: null,
      // A key stays in the browser's storage while one tries things out, not where it opens real data.
      persistAuthorization: !config.isProduction,
      displayRequestDuration: true,
      tryItOutEnabled: true,
      defaultModelsExpandDepth: 0,
      onComplete: improvePage,
    },
  });
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const isDocs = request.routeOptions.url?.startsWith(`${config.PATH_PREFIX}/docs`) ?? false;
    if (isDocs) void reply.header('content-security-policy', contentSecurityPolicy(payload));
    // Swagger UI's template has no width of its own for small screens.
    const isPage = isDocs && typeof payload === 'string' && payload.includes(charset);
    done(null, isPage ? payload.replace(charset, `${charset}${viewport}`) : payload);
  });
}

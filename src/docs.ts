import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
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

/** Says how to try the routes, and fills in an address for webhooks that is not a stranger's. */
export function showDemo(document: OpenAPIObject): void {
  document.info.description = `${description}\n\n${howToTry}`;
  const subscribe = document.components?.schemas?.Subscribe;
  const url = subscribe && 'properties' in subscribe ? subscribe.properties?.WebhookUrl : undefined;
  if (url && 'example' in url) url.example = demoWebhookUrl;
}

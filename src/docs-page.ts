import { createHash } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyInstance } from 'fastify';
import type { Config } from './config/config.js';
import { createDocument, showDemo } from './docs.js';

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

/**
 * Runs in the browser, too: a plugin of Swagger UI that puts what is referred to in place of each reference. All of ours are
 * within the document. Its own resolver goes through the whole document, at each operation that is unfolded, for half a second.
 */
function resolveReferences(): object {
  type Node = Record<string, unknown>;
  const follow = (from: unknown, path: string[]) =>
    path.reduce<unknown>((at, key) => (at as Node | undefined)?.[key], from);
  const resolve = (root: unknown, node: unknown, open: string[]): unknown => {
    if (Array.isArray(node)) return node.map((item) => resolve(root, item, open));
    if (typeof node !== 'object' || node === null) return node;
    const { $ref: reference, ...others } = node as Node;
    const isOurs = typeof reference === 'string' && reference.startsWith('#/') && !open.includes(reference);
    if (!isOurs)
      return Object.fromEntries(
        Object.entries(node).map(([key, value]) => [key, resolve(root, value, open)]),
      );
    const found = resolve(root, follow(root, reference.slice(2).split('/')), [...open, reference]);
    return { $$ref: reference, ...(found as Node), ...others };
  };
  const resolveSubtree = (root: unknown, path: string[]) => ({
    errors: [],
    spec: resolve(root, follow(root, path), []),
  });
  return { fn: { resolveSubtree } };
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
      plugins: [resolveReferences],
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

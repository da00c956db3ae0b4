import type { Locator, Page } from 'playwright-core';

/** An operation as the page's own document tells of it. */
export interface Operation {
  id: string;
  method: string;
  path: string;
  tag: string;
}

/** What a person types into an operation's form beyond what stands there already. */
export interface Input {
  parameters?: Record<string, string>;
  body?: string;
}

export interface Answer {
  status: number;
  body: string;
}

interface ApiDocument {
  paths: Record<string, Record<string, { operationId: string; tags: string[] }>>;
}

/** The reference page as a person uses it: by what it shows. */
export class DocsPage {
  private shownTag?: string;

  constructor(
    readonly page: Page,
    private readonly url: string,
  ) {}

  async open(): Promise<void> {
    await this.page.goto(`${this.url}/docs`);
    await this.page.locator('.opblock').first().waitFor();
  }

  /** Every operation of the document that the page shows. */
  async listOperations(): Promise<Operation[]> {
    const document = (await (await fetch(`${this.url}/docs-json`)).json()) as ApiDocument;
    return Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { operationId, tags }]) => ({
        id: operationId,
        method: method.toUpperCase(),
        path,
        tag: tags[0] ?? 'default',
      })),
    );
  }

  /** Folds every group of operations but one: the page draws anew whatever is open, at every key. */
  async showOnly(tag: string): Promise<void> {
    if (tag === this.shownTag) return;
    this.shownTag = tag;
    for (const heading of await this.page.locator('.opblock-tag').all()) {
      const isOpen = (await heading.getAttribute('data-is-open')) === 'true';
      if (isOpen !== ((await heading.getAttribute('data-tag')) === tag))
        await heading.locator('.expand-operation').click();
    }
  }

  async openAuthorization(): Promise<Locator> {
    await this.page.getByRole('button', { name: 'Authorize', exact: true }).click();
    const dialog = this.page.locator('.dialog-ux');
    await dialog.waitFor();
    return dialog;
  }

  /** Pastes the token where the cursor stands, and presses what is beneath. */
  async authorize(token: string): Promise<void> {
    const dialog = await this.openAuthorization();
    await this.page.keyboard.type(token);
    await this.confirm(dialog, 'x-auth-token');
  }

  /** Pastes a player's session in its own field, in place of the one before. */
  authorizeAsPlayer(session: string): Promise<void> {
    return this.fillIn('session', session);
  }

  /** The same of a token that waits for a code. */
  authorizeForCode(token: string): Promise<void> {
    return this.fillIn('2fa-auth-token', token);
  }

  private async fillIn(name: string, value: string): Promise<void> {
    const dialog = await this.openAuthorization();
    const scheme = this.schemeIn(dialog, name);
    const logout = scheme.getByRole('button', { name: 'Logout' });
    if (await logout.isVisible()) await logout.click();
    await scheme.locator('input').fill(value);
    await this.confirm(dialog, name);
  }

  private schemeIn(dialog: Locator, name: string): Locator {
    const title = this.page.locator('h4 code', { hasText: new RegExp(`^${name}$`) });
    return dialog.locator('.auth-container', { has: title });
  }

  private async confirm(dialog: Locator, name: string): Promise<void> {
    const scheme = this.schemeIn(dialog, name);
    await scheme.getByRole('button', { name: 'Authorize' }).click();
    await scheme.getByRole('button', { name: 'Logout' }).waitFor();
    await dialog.getByRole('button', { name: 'Close', exact: true }).click();
  }

  /** Opens an operation's form. */
  async unfold(operation: Operation): Promise<Locator> {
    const block = this.page.locator(
      `[id="operations-${operation.tag.replaceAll(' ', '_')}-${operation.id}"]`,
    );
    if (!(await block.locator('.execute').isVisible())) {
      await block.locator('.opblock-summary-control').click();
      const tryOut = block.getByRole('button', { name: 'Try it out' });
      await tryOut.or(block.locator('.execute')).first().waitFor();
      if (await tryOut.isVisible()) await tryOut.click();
    }
    return block;
  }

  /** Fills in an operation's form, executes it and reads what the page shows of the answer. */
  async execute(operation: Operation, { parameters = {}, body }: Input = {}): Promise<Answer> {
    const block = await this.unfold(operation);
    for (const [name, value] of Object.entries(parameters)) {
      const row = block.locator(`tr[data-param-name="${name}"]`);
      await row.locator('select, input').first().waitFor();
      const choice = row.locator('select');
      if (await choice.count()) await choice.selectOption(value);
      else await row.locator('input').fill(value);
    }
    if (body !== undefined) await block.locator('.body-param__text').fill(body);
    // What was answered before must not be taken for this answer.
    const clear = block.locator('.btn-clear');
    if (await clear.isVisible()) await clear.click();
    await block.locator('.live-responses-table').waitFor({ state: 'detached' });
    await block.locator('.execute').click();
    const answer = block.locator('.live-responses-table .response').first();
    await answer.waitFor();
    const status = Number((await answer.locator('.response-col_status').innerText()).trim().split(/\s/)[0]);
    const text = answer.locator('.response-col_description pre').first();
    return { status, body: (await text.count()) ? await text.innerText() : '' };
  }

  async fold(operation: Operation): Promise<void> {
    const block = await this.unfold(operation);
    await block.locator('.opblock-summary-control').click();
    await block.locator('.execute').waitFor({ state: 'detached' });
  }
}

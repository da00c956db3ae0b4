import { diffPolicyTokens } from './policy-diff.js';
import type { Token } from './policy-tokens.js';

/** What words need around them to stand directly in these; elsewhere they stand as they are. */
const wrappers: Record<string, [open: string, close: string]> = {
  ul: ['<li>', '</li>'],
  ol: ['<li>', '</li>'],
  dl: ['<dd>', '</dd>'],
  table: ['<tr><td>', '</td></tr>'],
  thead: ['<tr><td>', '</td></tr>'],
  tbody: ['<tr><td>', '</td></tr>'],
  tfoot: ['<tr><td>', '</td></tr>'],
  tr: ['<td>', '</td>'],
};
/** What holds paragraphs; '' is the text as a whole. */
const flow = new Set(['', 'div', 'section', 'article', 'blockquote', 'li', 'dd', 'td', 'th']);

/**
 * The newer of two compiled texts with its new words in `<ins>`, and what it lost in `<del>` where it stood. The tags are the
 * newer text's alone, so that what comes out is as well-formed and as safe as that is.
 */
export function diffPolicyHtml(from: string, to: string): string {
  const writer = new DiffWriter();
  for (const { kind, tokens } of diffPolicyTokens(from, to)) {
    for (const token of tokens) {
      if (kind === 'removed') writer.remove(token);
      else writer.keep(token, kind === 'added');
    }
  }
  return writer.end();
}

class DiffWriter {
  private html = '';
  /** White space that is still to be written: inside of `<ins>` or after it. */
  private space = '';
  private isInserting = false;
  private readonly open: string[] = [];
  /** Words that were lost here, by the blocks they stood in. */
  private lost: string[] = [''];

  remove({ html, space, tag }: Token): void {
    if (tag?.isBlock) this.lost.push('');
    else if (!tag) this.lost.push((this.lost.pop() ?? '') + html + space);
  }

  keep(token: Token, isNew: boolean): void {
    const { html, space, tag } = token;
    this.writeLost();
    this.setInserting(isNew && !tag);
    this.html += this.space + html;
    this.space = space;
    if (tag?.kind === 'open') this.open.push(tag.name);
    else if (tag?.kind === 'close') this.open.pop();
  }

  end(): string {
    this.writeLost();
    this.setInserting(false);
    return this.html + this.space;
  }

  private setInserting(isInserting: boolean): void {
    if (isInserting === this.isInserting) return;
    if (isInserting) this.html += `${this.space}<ins>`;
    else this.html += `</ins>${this.space}`;
    this.space = '';
    this.isInserting = isInserting;
  }

  private writeLost(): void {
    const pieces = this.lost.filter((piece) => piece.trim() !== '');
    const hasBlocks = this.lost.length > 1;
    this.lost = [''];
    if (pieces.length === 0) return;
    this.setInserting(false);
    this.html += this.space;
    this.space = '';
    const container = this.open.at(-1) ?? '';
    const wrapper = wrappers[container] ?? (hasBlocks && flow.has(container) ? ['<p>', '</p>'] : null);
    this.html += wrapper
      ? pieces.map((piece) => `${wrapper[0]}<del>${piece.trimEnd()}</del>${wrapper[1]}`).join('')
      : pieces.map((piece) => `<del>${piece}</del>`).join('<br />');
  }
}

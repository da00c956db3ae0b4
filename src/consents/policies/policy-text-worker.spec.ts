import { afterEach, expect, it } from '@jest/globals';
import { diffPolicyTexts } from './policy-diff.js';
import { diffPolicyHtml } from './policy-diff-html.js';
import { compilePolicyText, UnreadableText } from './policy-html.js';
import { PolicyTextWorker } from './policy-text-worker.js';

const worker = new PolicyTextWorker();
afterEach(() => worker.onModuleDestroy());

const long = Array.from({ length: 1000 }, (_, index) => `Word **${index}**.\n\n`).join('');
/** Markdown would be read for hours. */
const hostile = 'a_b_'.repeat(250_000);

it('comes to the same, however long a text is', async () => {
  for (const text of ['# Short', long])
    expect(await worker.compile('markdown', text)).toEqual(compilePolicyText('markdown', text));
  const { html: from } = await worker.compile('markdown', long);
  const to = from.replace('500', 'five hundred');
  expect(await worker.diffHtml(from, to)).toBe(diffPolicyHtml(from, to));
  expect(await worker.diffTexts(from, to)).toEqual(diffPolicyTexts(from, to));
});

it('says what cannot be read, and reads the next', async () => {
  const deep = `${'> '.repeat(20_000)}x`;
  await expect(worker.compile('markdown', deep)).rejects.toThrow(
    new UnreadableText('the text is nested too deeply'),
  );
  expect((await worker.compile('markdown', long)).html).toContain('<strong>999</strong>');
});

it('gives up what takes too long, while everything else goes on, and reads the next', async () => {
  worker.limitMs = 1000;
  let turns = 0;
  const count = setInterval(() => turns++, 1);
  try {
    await expect(worker.compile('markdown', hostile)).rejects.toThrow(
      new UnreadableText('the text takes too long to read'),
    );
  } finally {
    clearInterval(count);
    worker.limitMs = 20_000;
  }
  expect(turns).toBeGreaterThan(10);
  expect((await worker.compile('markdown', long)).html).toContain('<strong>999</strong>');
});

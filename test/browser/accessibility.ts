import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Fault {
  id: string;
  impact: string;
  nodes: { html: string; failureSummary: string }[];
}

/** What axe finds serious or worse, but for the rules named; in all of the page, or in what a selector finds. */
export async function listSeriousFaults(
  page: Page,
  notOurs: string[] = [],
  part = 'html',
): Promise<string[]> {
  const faults = await findFaults(page, part);
  return printFaults(
    faults.filter(({ id, impact }) => ['serious', 'critical'].includes(impact) && !notOurs.includes(id)),
  );
}

/** All that axe finds. */
export async function listFaults(page: Page): Promise<string[]> {
  return printFaults(await findFaults(page, 'html'));
}

async function findFaults(page: Page, part: string): Promise<Fault[]> {
  // Colours are judged when nothing is on its way from one to another.
  await page.mouse.move(1, 1);
  await page.waitForTimeout(700);
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate<{ violations: Fault[] }>(`axe.run(${JSON.stringify(part)})`);
  return violations;
}

function printFaults(faults: Fault[]): string[] {
  return faults.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 120)}`));
}

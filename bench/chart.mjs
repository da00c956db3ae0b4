// results.svg: how far each result is from its target; readable on light and on dark pages.

const WIDTH = 860;
const LEFT = 400;
const SCALE = 130;
const MOST = 2.6;
const ROW = 30;
const TOP = 64;

const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .met { fill: #1a7f5a; } .near { fill: #b07a00; } .missed { fill: #c4392f; }
  .target { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #9198a1; } .target { stroke: #e6edf3; }
    .met { fill: #3fb68b; } .near { fill: #d9a326; } .missed { fill: #f0675c; }
  }`;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

/** 1 is the target; for memory, where less is better, more than 1 is better too. */
function reachedOf({ target, value }) {
  return 'atLeast' in target ? value / target.atLeast : target.below / value;
}

const classes = { met: 'met', 'met within 15 %': 'near', missed: 'missed' };

function drawRow(line, index) {
  const y = TOP + index * ROW;
  const reached = reachedOf(line);
  const width = Math.min(reached, MOST) * SCALE;
  const value = line.unit === '×' ? `${line.value.toFixed(2)} ×` : `${Math.round(line.value)} ${line.unit}`;
  const target = 'atLeast' in line.target ? `≥ ${line.target.atLeast}` : `< ${line.target.below}`;
  return `
  <text x="${LEFT - 12}" y="${y + 15}" text-anchor="end">${escape(line.what)}</text>
  <rect class="${classes[line.verdict]}" x="${LEFT}" y="${y + 3}" width="${width.toFixed(1)}" height="17" rx="2"/>
  <text x="${(LEFT + Math.max(width, SCALE) + 8).toFixed(1)}" y="${y + 16}">${value} <tspan class="quiet">(${escape(target)})</tspan></text>`;
}

/**
 * @param {{machine: {cores: number, node: string, postgres: string},
 *   suites: Record<string, {lines: (import('./report.mjs').Line & {verdict?: string})[]}>}} results
 * @returns {string}
 */
export function drawChart({ machine, suites }) {
  const lines = [
    ...['reads', 'writes', 'delivery', 'import', 'reconciliation'],
    ...['universal', 'universal-pages', 'unsubscribe'],
  ]
    .flatMap((name) => suites[name]?.lines ?? [])
    .filter((line) => line.target);
  const height = TOP + lines.length * ROW + 34;
  const label = `Bench results: ${lines.map((line) => `${line.what} ${line.value} ${line.unit}`).join('; ')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(label)}">
  <style>${STYLE}
  </style>
  <text class="title" x="16" y="26">Measured against the targets</text>
  <text class="quiet" x="16" y="46">Longer is better; the dashed line is the target. ${machine.cores} cores, Node ${machine.node.slice(1)}, PostgreSQL ${machine.postgres}.</text>${lines.map(drawRow).join('')}
  <line class="target" x1="${LEFT + SCALE}" x2="${LEFT + SCALE}" y1="${TOP - 6}" y2="${TOP + lines.length * ROW}"/>
  <text class="quiet" x="${LEFT + SCALE}" y="${TOP + lines.length * ROW + 18}" text-anchor="middle">target</text>
</svg>
`;
}

// docs/reconciliation-memory.svg: how much a stream adds to the service's memory, by the number of players.

const WIDTH = 640;
const HEIGHT = 260;
const LEFT = 64;
const BOTTOM = 210;
const TOP = 56;
const STYLE = `
  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; } .quiet { fill: #59636e; font-size: 12px; }
  .bar { fill: #1a7f5a; } .limit { stroke: #c4392f; stroke-width: 1.5; stroke-dasharray: 4 3; } .axis { stroke: #59636e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .quiet { fill: #9198a1; } .bar { fill: #3fb68b; } .limit { stroke: #f0675c; } .axis { stroke: #9198a1; }
  }`;

const nameOf = (players) =>
  `${(players / 1_000_000).toLocaleString('en', { maximumFractionDigits: 2 })} M players`;

/**
 * @param {readonly {players: number, mb: number}[]} growth
 * @param {number} limit MB
 * @returns {string}
 */
export function drawMemory(growth, limit) {
  const most = Math.max(limit * 1.1, ...growth.map(({ mb }) => mb));
  const y = (mb) => BOTTOM - (mb / most) * (BOTTOM - TOP);
  const step = (WIDTH - LEFT - 24) / growth.length;
  const bars = growth.map(({ players, mb }, index) => {
    const x = LEFT + index * step + step / 4;
    const middle = x + step / 4;
    return `
  <rect class="bar" x="${x.toFixed(1)}" y="${y(mb).toFixed(1)}" width="${(step / 2).toFixed(1)}" height="${(BOTTOM - y(mb)).toFixed(1)}" rx="2"/>
  <text x="${middle.toFixed(1)}" y="${(y(mb) - 6).toFixed(1)}" text-anchor="middle">${mb.toFixed(1)} MB</text>
  <text x="${middle.toFixed(1)}" y="${BOTTOM + 20}" text-anchor="middle">${nameOf(players)}</text>`;
  });
  const label = `Memory over idle: ${growth.map(({ players, mb }) => `${nameOf(players)} ${mb.toFixed(1)} MB`).join(', ')}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
  <style>${STYLE}
  </style>
  <text class="title" x="16" y="26">Memory over idle while reconciliation streams</text>
  <text class="quiet" x="16" y="44">60 % opted in; both routes one after the other; the dashed line is the limit of ${limit} MB</text>
  <line class="axis" x1="${LEFT}" x2="${WIDTH - 24}" y1="${BOTTOM}" y2="${BOTTOM}"/>
  <line class="limit" x1="${LEFT}" x2="${WIDTH - 24}" y1="${y(limit).toFixed(1)}" y2="${y(limit).toFixed(1)}"/>${bars.join('')}
</svg>
`;
}

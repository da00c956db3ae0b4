import { Presets, SingleBar } from 'cli-progress';

/** The exit codes of the command line. */
export const Exit = { done: 0, failed: 1, usage: 2, rejects: 3 } as const;

/** Prints an answer: JSON for machines, else what `text` makes of it. */
export function print<T>(json: boolean, answer: T, text: (answer: T) => string): void {
  process.stdout.write(`${json ? JSON.stringify(answer) : text(answer)}\n`);
}

/** Rows as aligned columns under their names. */
export function table(rows: Record<string, string | number | boolean>[]): string {
  const [first] = rows;
  if (!first) return '(none)';
  const names = Object.keys(first);
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_name, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A progress bar on stderr while it is a terminal; silent otherwise. */
export class Progress {
  private bar: SingleBar | null = null;
  private label = '';

  constructor(private readonly enabled: boolean) {}

  /** Shows how far the work named `label` is; a new label begins a new bar. */
  show(label: string, value: number, total: number): void {
    if (!this.enabled || !process.stderr.isTTY) return;
    if (label !== this.label) {
      this.stop();
      this.label = label;
      this.bar = new SingleBar(
        {
          format: `${label.padEnd(12)} {bar} {percentage} %  {value}/{total}  {duration_formatted}, {eta_formatted} to go`,
          formatTime: formatSeconds,
          etaBuffer: 100,
        },
        Presets.shades_classic,
      );
      this.bar.start(total, value);
    }
    this.bar?.setTotal(total);
    this.bar?.update(value);
  }

  stop(): void {
    this.bar?.stop();
    this.bar = null;
  }
}

/** Seconds as `45s` or `2m05s`; a dash while nobody can know. */
function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes === 0 ? `${whole}s` : `${minutes}m${String(whole % 60).padStart(2, '0')}s`;
}

/** Whether an Accept header asks for JSON rather than for HTML, which is what those get that do not mind. */
export function prefersJson(accept: string | undefined): boolean {
  const ranges = (accept ?? '').split(',').map(toRange);
  return weightOf(ranges, 'application/json') > weightOf(ranges, 'text/html');
}

interface Range {
  type: string;
  weight: number;
}

function toRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
  return { type, weight: weight >= 0 && weight <= 1 ? weight : 0 };
}

/** The most exact range that names the type says how welcome it is; of two as welcome, the one more exactly named is. */
function weightOf(ranges: Range[], type: string): number {
  const names = [type, type.replace(/\/.*/, '/*'), '*/*'];
  for (const [vagueness, name] of names.entries()) {
    const weights = ranges.filter((range) => range.type === name).map(({ weight }) => weight);
    if (weights.length > 0) return Math.max(...weights) - vagueness / 10_000;
  }
  return 0;
}

export class LivenessDto {
  /** @example ok */
  status: string;
}

export class ReadinessDto {
  /** `ok` or `unavailable`. */
  status: string;

  /** What was looked at, and how it is. */
  checks: Record<string, string>;
}

import { InvalidArgumentError } from "commander";

const units = { d: 86_400, h: 3_600, m: 60, s: 1 } as const;

const LONGEST = 30 * units.d;

/** Seconds of a duration such as `90m`, `2h` or `1h30m`. @throws InvalidArgumentError */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  const whole = parts.map(([part]) => part).join("") === text && parts.length > 0;
  const seconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units],
    0,
  );
  if (whole && seconds >= 10 && seconds <= LONGEST) return seconds;
  throw new InvalidArgumentError("A duration from 10s to 30d is wanted, such as 90m, 2h or 1h30m.");
}

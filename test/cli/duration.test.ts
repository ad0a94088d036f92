import { expect, it } from "vitest";
import { parseDuration } from "../../src/cli/duration.ts";
import { duration } from "../../src/render/duration.ts";

it.each([
  ["45s", 45, "45 s"],
  ["90m", 5_400, "1 h 30 min"],
  ["1h30m", 5_400, "1 h 30 min"],
  ["2h", 7_200, "2 h"],
  ["12m", 720, "12 min"],
  ["30d", 2_592_000, "30 d"],
  ["1d3h", 97_200, "1 d 3 h"],
])("%s is %d seconds, shown as %s", (text, seconds, shown) => {
  expect(parseDuration(text)).toBe(seconds);
  expect(duration(seconds)).toBe(shown);
});

it.each(["", "5", "9s", "31d", "2 h", "-1h", "1h!", "h"])("%j is no duration", (text) => {
  expect(() => parseDuration(text)).toThrow("from 10s to 30d");
});

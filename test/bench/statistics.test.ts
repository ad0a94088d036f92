import { expect, it } from "vitest";
import { inRounds } from "../../bench/command.ts";
import { measured, quantile, ratio } from "../../bench/statistics.ts";

it("a quantile is one of the samples, whatever their order", () => {
  const samples = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.95, 1].map((part) => quantile(samples, part))).toEqual([1, 3, 5, 5]);
  expect(quantile([2, 1], 0.5)).toBe(1);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
});

it("a ratio is made round by round", () => {
  const one = measured([2, 30, 4]);
  const other = measured([1, 10, 1]);
  expect(one).toMatchObject({ median: 4, low: 2, high: 30 });
  // Of the medians it would be four.
  expect(ratio(one, other)).toMatchObject({ median: 3, low: 2, high: 4, samples: [2, 3, 4] });
});

it("each round has every candidate once, in turn from the first and from the last; the first is not counted", async () => {
  const order: string[] = [];
  const candidate = (name: string) => ({
    name,
    measure: async () => {
      order.push(name);
      return order.length;
    },
  });
  const found = await inRounds([candidate("a"), candidate("b")], 2, () => {});
  expect(order.join("")).toBe("abbaab");
  expect(found.get("a")?.samples).toEqual([4, 5]);
  expect(found.get("b")?.samples).toEqual([3, 6]);
});

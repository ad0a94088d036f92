import { expect, it } from "vitest";
import { unitOfPath } from "../../src/helpers/systemd.ts";

// As `systemd-escape --path` prints them.
it.each([
  ["/swapfile", "swapfile.swap"],
  ["/var/lib/swap-1", "var-lib-swap\\x2d1.swap"],
  ["/.cache/a_b.c", "\\x2ecache-a_b.c.swap"],
  ["/data//x@y+z/", "data-x\\x40y\\x2bz.swap"],
  ["/é", "\\xc3\\xa9.swap"],
  ["/", "-.swap"],
])("the unit of %s is %s", (path, unit) => {
  expect(unitOfPath(path, "swap")).toBe(unit);
});

import type { Difference, Entries, Fingerprint } from "./types.ts";

function differenceOf(
  section: string,
  key: string,
  before: string | undefined,
  after: string | undefined,
): readonly Difference[] {
  if (before === after) return [];
  if (before === undefined) return [{ section, key, kind: "added", after: after as string }];
  if (after === undefined) return [{ section, key, kind: "removed", before }];
  return [{ section, key, kind: "changed", before, after }];
}

function inSection(section: string, before: Entries, after: Entries): readonly Difference[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  const at = (entries: Entries, key: string) => (Object.hasOwn(entries, key) ? entries[key] : undefined);
  return [...keys].sort().flatMap((key) => differenceOf(section, key, at(before, key), at(after, key)));
}

/** Skipped sections as entries, so that one which only one of two looks could tell is a difference of its own. */
const skippedOf = ({ skipped }: Fingerprint): Entries =>
  Object.fromEntries(skipped.map(({ section, reason }) => [section, `not looked at: ${reason}`]));

/**
 * What two looks do not agree on, by section and key. A section that one of them skipped is one difference, in the
 * section `skipped`; what the other saw in it is not compared.
 */
export function differences(before: Fingerprint, after: Fingerprint): readonly Difference[] {
  const names = new Set([...Object.keys(before.sections), ...Object.keys(after.sections)]);
  const seen = [...names].flatMap((name) => {
    const [one, other] = [before.sections[name], after.sections[name]];
    return one === undefined || other === undefined ? [] : inSection(name, one, other);
  });
  return [...inSection("skipped", skippedOf(before), skippedOf(after)), ...seen];
}

/** Whether two looks agree on everything, also on what was skipped. */
export function equal(before: Fingerprint, after: Fingerprint): boolean {
  return differences(before, after).length === 0;
}

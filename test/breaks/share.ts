/**
 * Those of `ids` that are this run's share: `KBREAK_SHARE=3/7` is the third of seven. CI has no time for all breaks that
 * need a cluster, and takes another share each day. Says which it leaves out. Default: all.
 */
export function shareOf(ids: readonly string[]): readonly string[] {
  const [share = 1, shares = 1] = (process.env.KBREAK_SHARE ?? "1/1").split("/").map(Number);
  const mine = ids.filter((_, index) => index % shares === share - 1);
  const others = ids.filter((id) => !mine.includes(id));
  if (others.length > 0)
    process.stdout.write(`left to other shares than ${share}/${shares}: ${others.join(", ")}\n`);
  return mine;
}

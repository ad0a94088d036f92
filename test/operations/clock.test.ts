import { describe, expect, it } from "vitest";
import { clock } from "../../src/operations/clock.ts";
import { clock as move } from "../../src/operations/constructors.ts";
import type { State } from "../../src/operations/operation.ts";

const day = 86_400_000;
const noon = Date.UTC(2026, 10, 21, 12);

/** A node as its scripts tell it. All in milliseconds; `wrong` and `rtcWrong` are against kbreak's clock. */
interface Node {
  readonly boot?: string;
  /** Since it was started, by kbreak's clock. */
  readonly started?: number;
  readonly wrong?: number;
  readonly rtcWrong?: number;
  readonly notes?: State["notes"];
}

function state({
  boot = "one",
  started = noon - day,
  wrong = 0,
  rtcWrong = 0,
  notes = {},
}: Node = {}): State {
  return {
    values: { offset: `${started + wrong}` },
    notes: {
      boot,
      sent: `${started}`,
      now: `${(noon + wrong) / 1000}`,
      rtc: `${started + rtcWrong}`,
      stamp: "",
      account: "",
      ...notes,
    },
  };
}

const held = { token: "", content: () => Buffer.alloc(0) };
const back = move(-400 * 86_400);
const skew = -400 * day;
const restarted = { boot: "two", started: noon + 1000 };
const forward = move(400 * 86_400);

const verdict = (spec: typeof back, before: State, now: State) =>
  (["restored", "inEffect", "remains"] as const).filter((question) =>
    clock[question](spec, before, now, held),
  );

describe("a clock is an offset", () => {
  it.each<[string, Node, Node, readonly string[]]>([
    ["it was moved", {}, { wrong: skew }, ["inEffect"]],
    ["it was moved and moved back", {}, { wrong: 30 }, ["restored"]],
    ["it is moved back days later", {}, { wrong: 0, notes: { now: "0" } }, ["restored"]],
    ["kbreak's own clock has been set since", {}, { notes: { sent: `${noon + 3_600_000}` } }, ["restored"]],
    [
      "kbreak's own clock has been set, and it was moved",
      {},
      { wrong: skew, notes: { sent: "0" } },
      ["inEffect"],
    ],
    ["it is an hour behind", {}, { wrong: -3_600_000 }, []],
    ["it was wrong before, and is now right", { wrong: -90_000 }, {}, []],
    ["it was wrong before, and is so again", { wrong: -90_000 }, { wrong: -90_400 }, ["restored"]],
    ["a reboot set it right", {}, { ...restarted, wrong: -1200 }, ["restored"]],
    [
      "a reboot left it as it was made",
      {},
      { ...restarted, wrong: skew, rtcWrong: skew },
      ["inEffect", "remains"],
    ],
    ["a reboot set it right where it was wrong before", { wrong: -90_000 }, restarted, ["remains"]],
    [
      "a time service set it right where it was wrong before",
      { wrong: -90_000 },
      { ...restarted, notes: { service: "yes" } },
      [],
    ],
    ["somebody set it after a reboot", {}, { ...restarted, wrong: 700_000 }, []],
    ["somebody wrote it to the real-time clock", {}, { rtcWrong: skew }, ["remains"]],
    ["somebody wrote another time to the real-time clock", {}, { rtcWrong: 3_600_000 }, []],
    ["the real-time clock drifts", {}, { rtcWrong: -20_000 }, ["restored"]],
    [
      "the real-time clock was wrong all the time",
      { rtcWrong: 7_200_000 },
      { rtcWrong: 7_200_000 },
      ["restored"],
    ],
    ["there is no real-time clock", { notes: { rtc: "" } }, { notes: { rtc: "" } }, ["restored"]],
  ])("%s", (_, before, now, expected) => {
    expect(verdict(back, state(before), state(now))).toEqual(expected);
  });

  it("a file of systemd-timesyncd's that would move it forward again has to go, unless it was there before", () => {
    const ahead = state({ notes: { ahead: "yes" } });
    expect(verdict(forward, state(), ahead)).toEqual(["remains"]);
    expect(verdict(forward, ahead, ahead)).toEqual(["restored"]);
    expect(verdict(back, state(), ahead)).toEqual(["restored"]);
  });
});

describe("refused is", () => {
  const refusal = (seconds: number, node: Node = {}) => clock.refusal(move(seconds), state(node), held);
  const year = 365 * 86_400;

  it.each<[string, number, Node, RegExp]>([
    ["what is within the tolerance", 119, {}, /less than 120 seconds/],
    ["a year that 32 bits cannot hold", 12 * year, {}, /2038-\d\d-\d\d.*only 2001 to 2037/],
    ["a year that a real-time clock cannot hold", -26 * year, {}, /2000-\d\d-\d\d/],
    ["a node whose logins are by certificate", -year, { notes: { certificates: "yes" } }, /certificate/],
    [
      "an account that would expire",
      year,
      { notes: { account: "root" } },
      /the account root .* expires before 2027/,
    ],
    ["a job that would run", year, { notes: { waiting: "a job of at" } }, /a job of at is waiting/],
    ["a date that knows no steps", -year, { notes: { date: "other" } }, /GNU/],
  ])("%s", (_, seconds, node, words) => {
    expect(refusal(seconds, node)).toMatch(words);
  });

  it("nothing else: back, nothing expires and nothing is due", () => {
    expect(refusal(-year, { notes: { account: "root", waiting: "a job of at" } })).toBeUndefined();
    expect(refusal(year)).toBeUndefined();
  });
});

it("a person reads where from and where to", () => {
  expect(clock.preview(move(-90_061), state(), held).line).toBe(
    "move the clock back by 1 day 1 hour 1 minute 1 second, from 2026-11-21 12:00 UTC to 2026-11-20 10:58 UTC",
  );
  expect(clock.dangers(forward)).toEqual(["data-loss"]);
  expect(clock.dangers(back)).toEqual([]);
});

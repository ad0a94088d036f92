import pc from "picocolors";
import { describe, expect, it } from "vitest";
import { threeWay } from "../../src/render/three-way.ts";

const plain = pc.createColors(false);
const shown = (before: string, made: string, now: string | undefined) =>
  threeWay({ before, made, now }, plain);

const before = "apiVersion: v1\nkind: Pod\nname: a\nport: 80\nend: yes\n";
const made = before.replace("port: 80", "port: 81");

describe("a text as it was, as it was made, and as it is now", () => {
  it.each([
    ["untouched since", made, ["bmn  name: a", "b..  port: 80", ".mn  port: 81", "bmn  end: yes"]],
    ["put right by hand", before, ["bmn  name: a", "b.n  port: 80", ".m.  port: 81", "bmn  end: yes"]],
    [
      "put right in another way",
      before.replace("port: 80", "port: 8080"),
      ["bmn  name: a", "b..  port: 80", ".m.  port: 81", "..n  port: 8080", "bmn  end: yes"],
    ],
    [
      "edited elsewhere",
      `# mine\n${made}`,
      [
        "..n  # mine",
        "bmn  apiVersion: v1",
        "bmn  name: a",
        "b..  port: 80",
        ".mn  port: 81",
        "bmn  end: yes",
      ],
    ],
    [
      "gone",
      "(it is not there)\n",
      [
        ...["bm.  apiVersion: v1", "bm.  kind: Pod", "bm.  name: a"],
        ...["b..  port: 80", ".m.  port: 81", "bm.  end: yes", "..n  (it is not there)"],
      ],
    ],
  ])("%s", (_, now, lines) => {
    expect(shown(before, made, now)).toEqual(lines);
  });

  it("hides secrets, and says when nothing else differs", () => {
    const secret = (value: string) => `token: ${value}\nport: 80\n`;
    expect(shown(secret("one"), secret("two"), secret("three"))).toEqual([
      "the three differ only in what is hidden here",
    ]);
    expect(shown(secret("one"), secret("two"), `${secret("three")}more\n`).join("\n")).not.toMatch(
      /one|two|three/,
    );
  });

  it("obeys no control characters, and names what looks like ASCII", () => {
    expect(shown("a\n", "\u0430\n", "\u001b[2J\n")).toEqual([
      "b..  a",
      ".m.  \u0430   (U+0430)",
      "..n  \\u001b[2J",
    ]);
  });

  it("says when there is no text", () => {
    expect(shown("a\n", "b\n", undefined)).toEqual(["what is there now is no text"]);
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PreconditionError } from "../../src/errors.ts";
import { inotifyRequirement } from "../../src/lab/host/inotify.ts";
import { demandRequirements, fixes, labRequirements, missingPackages } from "../../src/lab/requirements.ts";

test("this host, where the tests run, has all", () => {
  expect(labRequirements().filter(({ met }) => !met)).toEqual([]);
});

describe("on a host without the programs", () => {
  const path = process.env.PATH;
  beforeEach(() => {
    process.env.PATH = "/nowhere";
  });
  afterEach(() => {
    process.env.PATH = path;
  });

  test("each package is named once", () => {
    const packages = missingPackages(labRequirements());
    expect(packages).toContain("mmdebstrap");
    expect(packages).toContain("openssh-client");
    expect(new Set(packages).size).toBe(packages.length);
  });

  test("one command brings all packages", () => {
    const commands = fixes(labRequirements());
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatch(/^apt-get install .* mmdebstrap /);
  });

  test("the error names every missing program, the command, and the alternatives", () => {
    const thrown = (() => {
      try {
        demandRequirements();
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(PreconditionError);
    const { message, hint } = thrown as PreconditionError;
    expect(message).toMatch(/mmdebstrap.*ssh-keygen/s);
    expect(hint).toMatch(/apt-get install.*kubeadm.*kind/s);
  });
});

test("more nodes than the kernel has inotify instances for are refused, with the setting that brings them", () => {
  expect(inotifyRequirement(1)).toMatchObject({ met: true });
  const { met, fix = "" } = inotifyRequirement(100_000);
  expect(met).toBe(false);
  expect(fix).toMatch(/^sysctl -w fs\.inotify\.max_user_instances=\d{6,}$/);
  expect(() => demandRequirements([inotifyRequirement(100_000)])).toThrow(
    /inotify instances: \d+ of \d+ in use/,
  );
});

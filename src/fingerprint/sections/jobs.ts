import { sh } from "../../shell.ts";
import { counted, entriesOf, linesOf } from "../entries.ts";
import type { Section } from "../section.ts";

/** The queue of at(1), by time, queue and user: a job's number is never used again. Crontabs are files. */
export const jobs: Section = {
  name: "at queue",
  programs: ["atq"],
  script: sh`atq`,
  read: (output) => entriesOf(counted(linesOf(output).map((line) => line.replace(/^\d+ +/, "")))),
};

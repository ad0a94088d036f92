import type { Facts } from "../facts.ts";
import { timeServices } from "../operations/time-services.ts";

/** The units that set the clock of this node: those that would undo a `clock` operation. */
export function timeServicesOf(facts: Facts): readonly string[] {
  return facts.activeUnits.filter((unit) => timeServices.includes(unit));
}

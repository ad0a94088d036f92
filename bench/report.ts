import type { Results } from "./results.ts";
export const performance = (results: Results): string => JSON.stringify(results, undefined, 1);
export const goalsText = (_results: Results): string => "";

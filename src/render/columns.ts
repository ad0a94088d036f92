import { getBorderCharacters, table } from "table";

/** Rows of cells as text in aligned columns, two spaces apart, a line each; as kubectl prints its tables. */
export function columns(rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "";
  const text = table(
    rows.map((row) => [...row]),
    {
      border: getBorderCharacters("void"),
      columnDefault: { paddingLeft: 0, paddingRight: 2 },
      drawHorizontalLine: () => false,
    },
  );
  return text.replaceAll(/ +$/gm, "");
}

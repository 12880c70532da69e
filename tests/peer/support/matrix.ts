/**
 * What was run of a matrix, and how it went, as a table. A cell that cannot be run says why; a cell that nobody
 * spoke of shows as a gap, so that none is left out in silence.
 */

/** How a cell went: `ok`, with what has to be said of it or without, `FAILED`, or why it was not run. */
export type Outcome = "ok" | { readonly remark: string } | "FAILED" | { readonly notRun: string };

/** Rows that belong together. */
export interface RowGroup {
  readonly name: string;
  readonly rows: readonly { readonly name: string }[];
}

/** Collects the outcomes of rows in columns. A column's name may have commas: each part is a line of its heading. */
export class Matrix {
  readonly #columns: readonly string[];
  readonly #groups = new Map<string, Map<string, Map<string, Outcome>>>();

  /** Makes an empty matrix of these rows and columns. */
  constructor(columns: readonly string[], groups: readonly RowGroup[]) {
    this.#columns = columns;
    for (const { name, rows } of groups) this.#groups.set(name, new Map(rows.map((row) => [row.name, new Map()])));
  }

  /** Notes how a cell went. */
  note(column: string, group: string, row: string, outcome: Outcome): void {
    const cells = this.#groups.get(group)?.get(row);
    if (cells === undefined || !this.#columns.includes(column)) throw new Error(`no cell ${column}, ${group}, ${row}`);
    cells.set(column, outcome);
  }

  /** The table, with the remarks and reasons beneath it. */
  format(): string {
    const notes: string[] = [];
    const noteOf = (text: string) => {
      if (!notes.includes(text)) notes.push(text);
      return `[${notes.indexOf(text) + 1}]`;
    };
    const mark = (outcome: Outcome | undefined) => {
      if (outcome === undefined) return "no result";
      if (typeof outcome === "string") return outcome;
      return "remark" in outcome ? `ok ${noteOf(outcome.remark)}` : `- ${noteOf(`not run: ${outcome.notRun}`)}`;
    };
    const heads = this.#columns.map((column) => column.split(", "));
    const headLines = Math.max(...heads.map(({ length }) => length));
    const table = Array.from({ length: headLines }, (_, part) => ["", ...heads.map((head) => head[part] ?? "")]);
    for (const [group, rows] of this.#groups) {
      table.push([`${group}:`]);
      for (const [row, cells] of rows) {
        table.push([`  ${row}`, ...this.#columns.map((column) => mark(cells.get(column)))]);
      }
    }
    const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
    const lines = table.map((line) =>
      line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
    );
    return [...lines, ...notes.map((text, index) => `[${index + 1}] ${text}`)].join("\n");
  }
}

/**
 * Every client with every exporter, as people run them: processes, with hooks, over the network. The pairs of Python
 * with itself are the control: they show that what is asked here can be answered. `support/area.ts` says how to add
 * rows, and how to run a few of them.
 */
import { areas } from "./areas/mod.ts";
import type { Area, Pairing } from "./support/area.ts";
import { ColumnRun } from "./support/column.ts";
import { Matrix } from "./support/matrix.ts";
import { preparePythonPeer } from "./support/python_peer.ts";
import { ourSide, pythonSide, securities } from "./support/side.ts";

/** Columns wait for processes most of the time, but every process that starts has a core to itself for a while. */
const columnsAtOnce = Math.max(2, navigator.hardwareConcurrency);

const peer = await preparePythonPeer();
const python = pythonSide(peer.kind === "ready" ? peer.venv : "");
const pairings = [python, ourSide].flatMap((client) =>
  [python, ourSide].flatMap((exporter) => securities.map((security): Pairing => ({ client, exporter, security })))
);
const columnName = ({ client, exporter, security }: Pairing) =>
  `${client.name}, > ${exporter.name}, ${security.replace("+", ", ")}`;

const chosenAreas = areas.map((area): Area => ({
  ...area,
  rows: area.rows.filter(({ name }) => isChosen("row", name)),
}))
  .filter(({ name, rows }) => isChosen("area", name) && rows.length > 0);
const chosenColumns = pairings.filter((pairing) => isChosen("column", columnName(pairing)));
const matrix = new Matrix(chosenColumns.map(columnName), chosenAreas);
const runs: ColumnRun[] = [];

for (const pairing of chosenColumns) {
  const column = columnName(pairing);
  const absence = peer.kind === "absent" && [pairing.client, pairing.exporter].includes(python) ? peer.why : undefined;
  if (absence !== undefined) {
    for (const { name, rows } of chosenAreas) {
      for (const row of rows) matrix.note(column, name, row.name, { notRun: absence });
    }
    Deno.test({ name: column, ignore: true, fn() {} });
    continue;
  }
  const run = new ColumnRun(pairing, chosenAreas);
  const position = runs.push(run) - 1;
  // What a column starts and ends is not bound to the test that waits for it, since the next one already runs.
  const loose = { sanitizeOps: false, sanitizeResources: false };
  Deno.test({
    name: column,
    ...loose,
    async fn(t) {
      for (const next of runs.slice(position, position + columnsAtOnce)) void next.begin();
      for (const area of chosenAreas) {
        for (const row of area.rows) {
          const why = row.notRun?.(pairing);
          if (why !== undefined) {
            matrix.note(column, area.name, row.name, { notRun: why });
            continue;
          }
          const name = `${area.name}: ${row.name}`;
          const isOk = await t.step({ name, ...loose, fn: () => run.row(area.name, row.name) });
          const remark = row.remark?.(pairing);
          const ok = remark === undefined ? "ok" : { remark };
          matrix.note(column, area.name, row.name, isOk ? ok : "FAILED");
        }
      }
      await run.begin();
    },
  });
}

Deno.test.afterAll(() => console.log(`\nclient, > exporter, security:\n\n${matrix.format()}\n`));

/** Whether the words after `--` name this, such as `area=files`; everything is chosen where none of this kind does. */
function isChosen(kind: string, name: string): boolean {
  const wanted = Deno.args.filter((word) => word.startsWith(`${kind}=`)).map((word) => word.slice(kind.length + 1));
  const plain = (text: string) => text.replaceAll(/[\s,]/g, "");
  return wanted.length === 0 || wanted.some((text) => plain(name).includes(plain(text)));
}

/** What the tests of the driver share: an exporter that serves storages, and its client. */
import { type LocalExporter, serveLocally } from "../../tests/fixtures/local_exporter.ts";
import { OpendalClient } from "./client.ts";
import { opendal } from "./mod.ts";

export { bytes, failsWith, openFolder, text, treeOf } from "./storage_bench_test.ts";

export const type = "jumpstarter_driver_opendal.driver.Opendal";

/** Serves storages by their `config`; each is a driver under its own name, and has to start. */
export function serveStorages(configs: Readonly<Record<string, unknown>>): Promise<LocalExporter> {
  const entries = Object.entries(configs).map(([name, config]) => [name, { type, config, required: true }]);
  return serveLocally(Object.fromEntries(entries), [opendal]);
}

/** The client of a storage. */
export function client(bench: Pick<LocalExporter, "exporter">, name = "storage"): OpendalClient {
  return bench.exporter.driver(name, OpendalClient);
}

import { type Caller, type ClientDefinition, DriverClient, type DriverPackage, loadClient } from "../driver/mod.ts";
import { clientLabel, type ReportNode } from "./report.ts";

/** One driver's client, with what made it. */
export interface ClientNode {
  /** The key in the exporter's config; empty for the root. */
  readonly name: string;
  /** The class label that the exporter reports. */
  readonly label: string;
  /** What the exporter says that the driver is. */
  readonly description?: string;
  /** The client itself. */
  readonly client: DriverClient;
  /** What knows this kind of driver; nothing where no package has the label, and the client is the plain one. */
  readonly definition?: ClientDefinition;
  /** The drivers beneath it, in the exporter's order. */
  readonly children: readonly ClientNode[];
}

/** Makes the clients of a report's drivers. A driver with a label that no package knows gets the plain class. */
export async function buildClients(
  report: ReportNode,
  packages: readonly DriverPackage[],
  callerOf: (node: ReportNode) => Caller,
): Promise<ClientNode> {
  const children: ClientNode[] = [];
  for (const child of report.children) children.push(await buildClients(child, packages, callerOf));
  const label = clientLabel(report);
  const definition = await loadClient(packages, label);
  const client = new (definition?.client ?? DriverClient)({
    name: report.name,
    uuid: report.uuid,
    labels: report.labels,
    description: report.description,
    methodDescriptions: report.methodDescriptions,
    children: new Map(children.map(({ name, client }) => [name, client])),
    caller: callerOf(report),
  });
  return { name: report.name, label, description: report.description, client, definition, children };
}

import type * as pb from "../../proto/mod.ts";

/** One driver of an exporter's report, with those beneath it. */
export interface ReportNode {
  /** The driver's key in the exporter's config; empty for the root. */
  readonly name: string;
  readonly uuid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly description?: string;
  readonly methodDescriptions: Readonly<Record<string, string>>;
  readonly children: ReportNode[];
}

/**
 * The tree that a report's list stands for. A parent comes before its children, and an id can come more than once
 * (behind a proxy): a driver belongs to the nearest parent before it.
 */
export function parseReport(reports: readonly pb.DriverInstanceReport[]): ReportNode {
  const latest = new Map<string, ReportNode>();
  let root: ReportNode | undefined;
  for (const report of reports) {
    const node = {
      name: report.labels["jumpstarter.dev/name"] ?? "",
      uuid: report.uuid,
      labels: report.labels,
      description: report.description || undefined,
      methodDescriptions: report.methodsDescription,
      children: [],
    };
    const parent = report.parentUuid === undefined ? undefined : latest.get(report.parentUuid);
    if (parent !== undefined) parent.children.push(node);
    else root ??= node;
    latest.set(report.uuid, node);
  }
  return root ?? { name: "", uuid: "", labels: {}, methodDescriptions: {}, children: [] };
}

/** The label with the class of a driver's client. */
export function clientLabel({ labels }: Pick<ReportNode, "labels">): string {
  return labels["jumpstarter.dev/client"] ?? "";
}

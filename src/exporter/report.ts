import type { DriverNode } from "./driver_node.ts";

/** One driver as clients see it. */
export interface DriverReport {
  readonly uuid: string;
  readonly parentUuid?: string;
  readonly labels: Record<string, string>;
  readonly description?: string;
  readonly methodsDescription: Record<string, string>;
}

/**
 * The tree as a list, parents before their children. A proxy's target stands there once for every key that leads to
 * it, with the same id each time.
 */
export function* reportTree(node: DriverNode, name?: string, parentUuid?: string): Generator<DriverReport> {
  yield {
    uuid: node.uuid,
    parentUuid,
    labels: {
      "jumpstarter.dev/client": node.definition.client,
      "jumpstarter.dev/methods": methodKinds(node),
      ...(name === undefined ? {} : { "jumpstarter.dev/name": name }),
      ...(node.fault === undefined ? {} : { "jumpstarter.dev/broken": node.fault }),
    },
    description: describe(node),
    methodsDescription: { ...node.methodDescriptions },
  };
  for (const [key, child] of node.children) yield* reportTree(child, key, node.uuid);
}

/** Every client shows descriptions, so that is where a fault stands for those that do not know our label. */
function describe({ fault, description }: DriverNode): string | undefined {
  if (fault === undefined) return description;
  return `broken: ${fault}${description === undefined ? "" : ` (${description})`}`;
}

/** What the driver offers, as `on:call read:callStream connect:openStream`: a label of ours that others pass over. */
function methodKinds({ definition: { methods } }: DriverNode): string {
  return Object.entries(methods).map(([name, { kind }]) => `${name}:${kind}`).join(" ");
}

/** Every driver of the tree by its id. */
export function nodesByUuid(root: DriverNode): ReadonlyMap<string, DriverNode> {
  const nodes = new Map<string, DriverNode>();
  const visit = (node: DriverNode) => {
    nodes.set(node.uuid, node);
    for (const child of node.children.values()) visit(child);
  };
  visit(root);
  return nodes;
}

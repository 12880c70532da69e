import { type ClientDefinition, defineClient, DriverClient } from "../../src/driver/mod.ts";

/** The client of a group: its children hang off `link.children`. */
export class CompositeClient extends DriverClient {}

/** How `j` shows a group. */
export const compositeClient: ClientDefinition = defineClient({
  label: "jumpstarter_driver_composite.client.CompositeClient",
  summary: "A group of devices",
  client: CompositeClient,
  commands: [],
});

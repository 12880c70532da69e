import { defineDriver, type DriverDefinition } from "../../src/driver/mod.ts";

/** A group: nothing but its children. */
export const composite: DriverDefinition = defineDriver({
  type: "jumpstarter_driver_composite.driver.Composite",
  client: "jumpstarter_driver_composite.client.CompositeClient",
  summary: "A group of devices",
  start: () => null,
  methods: {},
});

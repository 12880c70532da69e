import { z } from "zod";
import { call, callStream, defineDriver, type DriverDefinition } from "../../src/driver/mod.ts";
import { type ShellConfig, ShellDevice, type ShellMethod } from "./shell_device.ts";

const script = z.string().refine((text) => text.trim() !== "", "the script is empty");
const seconds = z.number().positive();
/** The Python implementation takes null for nothing. */
const orNothing = <Value>(value: Value | null | undefined): Value | undefined => value ?? undefined;

const method = z.union([
  script.transform((command): ShellMethod => ({ command })),
  z.strictObject({
    // Without a command the Python implementation greets, and its configs are to work as they are.
    command: script.default("echo Hello"),
    description: z.string().optional(),
    timeout: seconds.nullish().transform(orNothing),
  }),
]);

const config = z.strictObject({
  methods: z.record(z.string(), method),
  shell: z.array(z.string()).min(1).default(["bash", "-c"]),
  timeout: seconds.default(300),
  cwd: z.string().nullish().transform(orNothing),
});

const callArgs = z.tuple([z.string(), z.record(z.string(), z.string()).nullable()], z.string());

/** Scripts of the exporter's config, as methods. */
export const shell: DriverDefinition = defineDriver<ShellConfig, ShellDevice>({
  type: "jumpstarter_driver_shell.driver.Shell",
  client: "jumpstarter_driver_shell.client.ShellClient",
  summary: "Scripts that run on the exporter's machine",
  config,
  describeMethods: ({ methods }) =>
    Object.fromEntries(
      Object.entries(methods).flatMap(([name, { description }]) =>
        description === undefined ? [] : [[name, description]]
      ),
    ),
  // The environment is handed on to scripts whole; /bin/sh signals whole groups where Deno may not.
  permissions: ({ shell: [program], cwd }) => [
    { kind: "run", of: program },
    { kind: "run", of: "/bin/sh" },
    { kind: "env" },
    ...(cwd === undefined ? [] : [{ kind: "read", of: cwd } as const]),
  ],
  start: (settings) => new ShellDevice(settings),
  // Scripts share nothing but what they use themselves: one that follows a log must not keep the next from a reset.
  concurrent: true,
  methods: {
    get_methods: call({ summary: "Name the methods", run: (device: ShellDevice) => device.methods }),
    call_method: callStream({
      summary: "Run the script of a method",
      args: callArgs,
      run: (device: ShellDevice, [name, env, ...args], context) => device.call(name, env ?? {}, args, context),
    }),
  },
});

/**
 * The plan of the house as data: its floors, its doors, and who may use what. `rules.ts` says how it is read, and
 * `architecture_test.ts` holds the source against it. To change the plan, change it here and in
 * `.github/ARCHITECTURE.md`.
 *
 * @module
 */

/** The rooms, from the ground up. A room may import every room of a lower floor, and none of its own or above. */
export const FLOORS: readonly (readonly string[])[] = [
  ["ground", "proto"],
  ["src/codec", "src/config", "src/driver", "src/rpc", "src/hooks", "src/trust", "src/telemetry"],
  ["src/exporter", "src/client", "src/agent", "drivers/*"],
  ["src/cli", "src/testing"],
  ["roof"],
];

/** The single files that are not in a folder of their own, and the room they count to. */
export const LOOSE_FILES: Readonly<Record<string, string>> = {
  "cli.ts": "roof",
  "commands.ts": "roof",
  "mod.ts": "roof",
  "drivers/mod.ts": "roof",
  // Read for the version alone.
  "deno.json": "ground",
};

/** The rooms without a door: every file of theirs may be imported from outside. */
export const OPEN_ROOMS: readonly string[] = ["ground", "roof"];

/** Importers that may use less than their floor allows. The patterns know `*`, which stands for one name. */
export const NARROWER: readonly { importer: string; mayImport: readonly string[]; because: string }[] = [
  {
    importer: "drivers/mod.ts",
    mayImport: ["drivers/*/mod.ts", "src/driver/*"],
    because: "the list of drivers knows nothing but the drivers' doors",
  },
  {
    importer: "drivers/*/**",
    mayImport: ["drivers/*/**", "src/driver/*", "src/*"],
    because: "a driver is written against src/driver and the ground alone",
  },
  {
    importer: "src/**",
    mayImport: ["src/**", "proto/**", "deno.json"],
    because: "no part of the program names a driver; the roof hands them in",
  },
];

/** Packages, and the only places that import them. A package that is not named here may be imported nowhere. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "@grpc/grpc-js": ["src/rpc/*"],
  "@opentelemetry/api": ["src/telemetry/*"],
  "@bufbuild/protobuf": ["proto/**", "src/rpc/*", "src/exporter/*", "src/client/*"],
  "aws4fetch": ["drivers/opendal/s3_bucket.ts"],
  "commander": ["src/cli/*"],
  "fastest-levenshtein": ["src/nearest.ts"],
  "prom-client": ["src/telemetry/*"],
  "xz-decompress": ["src/codec/*"],
  "js-yaml": ["src/config/*"],
  "zod": ["src/config/*", "drivers/*/driver.ts"],
};

/** Globals, and the only places that touch them. */
export const GLOBALS: Readonly<Record<string, readonly string[]>> = {
  "Deno.exit": ["cli.ts"],
  "Deno.exitCode": ["cli.ts"],
  "Deno.stdout": ["src/process_terminal.ts", "src/cli/*"],
  "Deno.stderr": ["src/process_terminal.ts", "src/cli/*"],
  // A command of `j` runs in another process than its user's: it takes these from its context.
  "Deno.stdin": ["src/process_terminal.ts", "src/cli/*"],
  "Deno.cwd": ["src/process_terminal.ts"],
  "console": ["cli.ts", "src/cli/*"],
  // Node's names for the same.
  "process.exit": [],
  "process.exitCode": [],
  "process.stdout": [],
  "process.stderr": [],
  // Which system this is: one place says what that means to all, and these ask for what only they need.
  "Deno.build": [
    "src/platform.ts",
    "cli.ts",
    "src/hooks/script_command.ts",
    "src/cli/libc_datagram.ts",
    "src/cli/terminal_settings.ts",
    "drivers/pyserial/libc.ts",
    "drivers/opendal/fs_directory.ts",
  ],
  "process.platform": [],
  // What Windows has not, or not in this way. A client runs there as well: each of these places does without.
  "Deno.addSignalListener": ["src/platform.ts"],
  "Deno.removeSignalListener": ["src/platform.ts"],
  "Deno.kill": ["src/child_group.ts", "src/cli/run_child.ts"],
  "Deno.umask": ["src/agent/start_message.ts"],
  "Deno.uid": ["src/agent/start_message.ts", "src/left_dirs.ts", "src/private_files.ts"],
  "Deno.gid": [],
  "Deno.chmod": ["src/agent/serve_agent.ts", "src/atomic_file.ts", "src/listener.ts", "src/private_files.ts"],
  "Deno.chmodSync": [],
  "Deno.chown": [],
  "Deno.chownSync": [],
  "Deno.symlink": [],
  "Deno.symlinkSync": [],
  "Deno.listen": ["src/agent/serve_agent.ts"],
  "Deno.connect": ["src/agent/run_on_agent.ts"],
  "Deno.dlopen": ["src/cli/libc_datagram.ts", "src/cli/terminal_settings.ts", "drivers/pyserial/libc.ts"],
  "process.kill": [],
  "process.umask": [],
  "process.getuid": [],
};

/** The place that imports what a config names, and the one that hides the whole program from `j`. */
export const COMPUTED_IMPORTS: readonly string[] = ["src/driver/load.ts", "cli.ts"];

/** What must start fast, and what it must not load to do so. Type-only imports do not count. */
export interface Lean {
  readonly entries: readonly string[];
  /** Paths and packages; `packages` is every package, and every module of Node's. */
  readonly without: readonly string[];
  /** Whether late imports count too: Deno looks through what they lead to, each time the program starts. */
  readonly countsLateImports?: boolean;
}

export const LEAN: readonly Lean[] = [
  {
    // A `j` by itself runs through cli.ts and loads the client half of drivers; each of these is on its path.
    entries: ["src/cli/mod.ts", "src/cli/j.ts", "drivers/mod.ts", "drivers/*/client.ts"],
    without: ["zod", "js-yaml", "src/exporter/*", "src/config/*", "src/hooks/*", "drivers/*/driver.ts"],
  },
  {
    // With an agent, a `j` loads nothing else.
    entries: ["cli.ts"],
    without: ["packages", "commands.ts", "src/cli/*", "src/client/*", "drivers/**"],
    countsLateImports: true,
  },
  {
    // A config is checked, and its address listened on, before what serves it is loaded; what watches over an exporter
    // is loaded only when it is asked for.
    entries: ["src/cli/jmp_run.ts", "src/cli/jmp_config.ts"],
    without: ["@grpc/grpc-js", "@bufbuild/protobuf", "prom-client", "@opentelemetry/api"],
  },
];

/** What each driver's folder holds; `*` stands for one name. */
export const DRIVER_FILES: readonly string[] = ["mod.ts", "driver.ts", "client.ts", "README.md", "*_test.ts"];

/** Drivers whose client needs no entry in `exports`, with the reason. */
export const WITHOUT_EXPORT: Readonly<Record<string, string>> = {
  composite: "its client adds nothing to DriverClient, which the library itself exports",
};

/** The most lines that a file may have. */
export const MAX_LINES = 300;

/** Names that say nothing: no file's last word, and no folder's. */
export const EMPTY_NAMES: readonly string[] = [
  "util",
  "utils",
  "helper",
  "helpers",
  "manager",
  "handle",
  "process",
];

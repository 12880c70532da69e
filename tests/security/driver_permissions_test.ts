/**
 * Every built-in driver under what it declares and nothing else, and then without that: it works, and it is stopped.
 * Device files are for `drivers/pyserial/permissions_test.ts`, buckets for `drivers/opendal/s3_test.ts`.
 */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { builtinDrivers } from "../../drivers/mod.ts";
import { type ConfigText, type RunningExporter, startExporter, writeConfig } from "../fixtures/exporter.ts";
import { serveFiles } from "../fixtures/file_server.ts";
import { Place, repository } from "../fixtures/place.ts";
import { Program, runJmp } from "../fixtures/program.ts";

/** A driver in a config, and a command of `sh` that uses it; `needs` is false where it declares nothing. */
interface Use {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly command: string;
  readonly needs?: boolean;
}

const driver = (type: string, config?: unknown) => ({ type: `jumpstarter_driver_${type}`, config });

/** What sends a line back, by TCP, UDP, a Unix socket and a WebSocket. */
class Echoes implements AsyncDisposable {
  readonly tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly unix: Deno.UnixListener;
  readonly unixPath: string;
  readonly web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(data);
    return response;
  });

  readonly udp = createSocket("udp4");

  constructor(place: Place) {
    this.unixPath = place.path("echo.sock");
    this.unix = Deno.listen({ transport: "unix", path: this.unixPath });
    for (const listener of [this.tcp, this.unix]) void this.#serve(listener);
    this.udp.on("message", (bytes, { port, address }) => this.udp.send(bytes, port, address));
  }

  static async open(place: Place): Promise<Echoes> {
    const echoes = new Echoes(place);
    echoes.udp.bind(0, "127.0.0.1");
    await once(echoes.udp, "listening");
    return echoes;
  }

  async #serve(listener: Deno.Listener): Promise<void> {
    for await (const socket of listener) void socket.readable.pipeTo(socket.writable).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tcp.close();
    this.unix.close();
    this.udp.close();
    await this.web.shutdown();
  }
}

function usesOf(place: Place, echoes: Echoes, filesUrl: string): Use[] {
  const { tcp, udp, unixPath, web } = echoes;
  // Not every stream has an end, so whoever has seen enough ends it.
  const line = (name: string) =>
    `echo hello | j stream ${name} >seen-${name} & ` +
    `while kill -0 $! && ! test -s seen-${name}; do sleep 0.05; done 2>/dev/null; ` +
    `kill $! 2>/dev/null; grep -q hello seen-${name}`;
  const local = { host: "127.0.0.1", port: tcp.addr.port };
  return [
    { name: "power", entry: driver("power.driver.MockPower"), command: "j power on", needs: false },
    { name: "old", entry: driver("power.driver.SyncMockPower"), command: "j old on", needs: false },
    {
      name: "rack",
      entry: { ...driver("composite.driver.Composite"), children: { inner: driver("power.driver.MockPower") } },
      command: "j rack inner on",
      needs: false,
    },
    { name: "alias", entry: { ref: "power" }, command: "j alias on", needs: false },
    { name: "echo", entry: driver("network.driver.EchoNetwork"), command: line("echo"), needs: false },
    { name: "tcp", entry: driver("network.driver.TcpNetwork", local), command: line("tcp") },
    {
      name: "udp",
      entry: driver("network.driver.UdpNetwork", { host: "127.0.0.1", port: udp.address().port }),
      command: line("udp"),
    },
    { name: "unix", entry: driver("network.driver.UnixNetwork", { path: unixPath }), command: line("unix") },
    {
      name: "web",
      entry: driver("network.driver.WebsocketNetwork", { url: `ws://127.0.0.1:${web.addr.port}/` }),
      command: line("web"),
    },
    {
      name: "fs",
      entry: driver("opendal.driver.Opendal", { scheme: "fs", kwargs: { root: place.path("root") } }),
      command: `j call fs create_dir '"made/"'`,
    },
    {
      name: "memory",
      entry: driver("opendal.driver.Opendal", { scheme: "memory" }),
      command: `j call memory create_dir '"made/"'`,
      needs: false,
    },
    {
      name: "http",
      entry: driver("opendal.driver.Opendal", { scheme: "http", kwargs: { endpoint: filesUrl } }),
      command: `j call http stat '"image"'`,
    },
    {
      name: "flasher",
      entry: driver("opendal.driver.MockFlasher"),
      command: "j flasher flash image && j flasher dump copy && cmp image copy",
      needs: false, // its files are in the exporter's own directory
    },
    { name: "mux", entry: driver("opendal.driver.MockStorageMux"), command: "j mux host && j mux dut", needs: false },
    {
      name: "card",
      entry: driver("opendal.driver.MockStorageMuxFlasher"),
      command: "j card flash image",
      needs: false,
    },
    {
      name: "tools",
      entry: driver("shell.driver.Shell", { methods: { hello: "echo hello" } }),
      command: "j tools hello",
    },
    {
      name: "loop",
      entry: driver("pyserial.driver.PySerial", { url: "loop://" }),
      command: line("loop"),
      needs: false,
    },
    {
      name: "serial",
      entry: driver("pyserial.driver.PySerial", { url: `socket://127.0.0.1:${tcp.addr.port}`, check_present: false }),
      command: line("serial"),
    },
  ];
}

/** A place with the image that is flashed, what the drivers reach, and how each is used. */
async function openBench() {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await Place.open());
  await Deno.mkdir(place.path("root"));
  await place.write("image", "an image");
  const echoes = stack.use(await Echoes.open(place));
  const files = stack.use(serveFiles({ "/image": "an image" }));
  const uses = usesOf(place, echoes, files.url);
  const config: ConfigText = { export: Object.fromEntries(uses.map(({ name, entry }) => [name, entry])) };
  const owned = stack.move();
  return { place, uses, config, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The flags in the lines of `jmp permissions`, each kind once. */
function mergedFlags(lines: readonly string[]): string[] {
  const values = new Map<string, string[]>();
  for (const [, kind = "", value] of lines.join(" ").matchAll(/(--allow-[a-z]+)(?:=(\S+))?/g)) {
    values.set(kind, [...values.get(kind) ?? [], ...value === undefined ? [] : [value]]);
  }
  return [...values].map(([kind, list]) => list.length === 0 ? kind : `${kind}=${list.join(",")}`);
}

/** Uses every driver in one shell; answers the exit code of each, and what was said meanwhile. */
async function useAll(place: Place, exporter: Pick<RunningExporter, "shell">, uses: readonly Use[]) {
  const script = uses.map(({ name, command }) => `(${command}) >/dev/null; echo "${name} $?"`).join("\n");
  const { stdout, stderr } = await runJmp(place, [...exporter.shell, "--", "sh", "-c", script], { cwd: place.dir });
  const codes = new Map(stdout.trim().split("\n").map((line) => line.split(" ") as [string, string]));
  return { codes, stderr };
}

Deno.test("the table has every built-in driver", async () => {
  await using bench = await openBench();
  const used = new Set(bench.uses.map(({ entry }) => entry.type));
  const builtin = builtinDrivers.flatMap(({ drivers }) => Object.keys(drivers));
  assert.deepEqual(builtin.filter((type) => !used.has(type)), []);
});

Deno.test("each driver works under what it declares", async () => {
  await using bench = await openBench();
  const { place, uses, config } = bench;
  await using exporter = await startExporter(place, { config, args: ["--least-privilege"] });
  await exporter.ready();
  const { codes, stderr } = await useAll(place, exporter, uses);
  assert.deepEqual([...codes].filter(([, code]) => code !== "0"), [], stderr);
  assert.equal(codes.size, uses.length);
});

Deno.test("each driver that declares something is stopped without it, and works no less when it declares nothing", async () => {
  await using bench = await openBench();
  const { place, uses, config } = bench;
  const file = await writeConfig(place, config);
  const runtimeDir = place.path("runtime");
  await Deno.mkdir(runtimeDir, { mode: 0o700 });
  const words = ["--exporter-config", file, "--tls-grpc-listener", "127.0.0.1:0", "--tls-grpc-insecure"];
  const { stdout } = await runJmp(place, ["permissions", ...words, "--runtime-dir", runtimeDir]);
  const flags = mergedFlags(stdout.split("\n").filter((line) => !/^(driver|together) /.test(line)));
  const run = ["deno", "run", "--quiet", "--no-prompt", ...flags, `${repository}/mod.ts`, "run", ...words];
  await using program = new Program(place, [...run, "--runtime-dir", runtimeDir]);
  const [, address = ""] = await program.seeErr(/Listening on (\S+) /);
  await program.seeErr("Ready: ");
  const { codes, stderr } = await useAll(
    place,
    { shell: ["shell", "--tls-grpc", address, "--tls-grpc-insecure"] },
    uses,
  );
  const worked = [...codes].filter(([, code]) => code === "0").map(([name]) => name);
  assert.deepEqual(worked, uses.filter(({ needs = true }) => !needs).map(({ name }) => name), stderr);
  for (const { name } of uses.filter(({ needs = true }) => needs)) {
    assert.match(stderr, new RegExp(`"${name}" .*is not allowed (net|read|write|run) access`), `${name}: ${stderr}`);
  }
});

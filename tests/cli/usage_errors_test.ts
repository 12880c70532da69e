/** Command lines that are wrong: refused before anything is touched, in one or two lines. */
import { exampleConfig, writeConfig } from "../fixtures/exporter.ts";
import { assertBriefError } from "../fixtures/brief_error.ts";
import { Place } from "../fixtures/place.ts";
import { runJmp } from "../fixtures/program.ts";

const run = ["run", "--exporter-config", exampleConfig, "--tls-grpc-listener", "127.0.0.1:0"];
const shell = ["shell", "--tls-grpc", "127.0.0.1:1"];
const local = ["shell", "--exporter-config", exampleConfig];

/** What is typed, what the first line says, and what the second one advises. */
const cases: readonly (readonly [string, readonly string[], RegExp, RegExp?])[] = [
  ["an unknown command", ["serve"], /unknown command 'serve'/, /see jmp --help/],
  ["a mistyped command", ["shel"], /unknown command 'shel'.*Did you mean shell\?/, /see jmp --help/],
  [
    "help of a mistyped subcommand",
    ["help", "config", "chek"],
    /unknown command 'chek'.*Did you mean check\?/,
    /see jmp config --help/,
  ],
  ["help of a mistyped command", ["help", "shel"], /unknown command 'shel'.*Did you mean shell\?/, /see jmp --help/],
  ["an unknown option", ["run", "--port", "1"], /unknown option '--port'/, /see jmp run --help/],
  ["a mistyped option", ["run", "--tls-crt", "x"], /unknown option '--tls-crt'.*Did you mean --tls-cert\?/, /see/],
  ["an option without its value", ["run", "--exporter-config"], /argument missing/, /see jmp run --help/],
  ["an argument too many", [...run, "--tls-grpc-insecure", "more"], /too many arguments/, /see jmp run --help/],
  ["an unknown level", [...run, "--log-level", "LOUD"], /'LOUD' is invalid.*DEBUG/, /see jmp run --help/],
  [
    "a config that is not named",
    ["config", "check"],
    /missing required argument 'file'/,
    /see jmp config check --help/,
  ],
  ["run without an address", ["run"], /No address to listen on/, /--tls-grpc-listener/],
  [
    "run without a config",
    ["run", "--tls-grpc-listener", ":0", "--tls-grpc-insecure"],
    /No config/,
    /--exporter-config/,
  ],
  ["run with two configs", [...run, "--exporter", "x", "--tls-grpc-insecure"], /both name a config/, /give one/],
  ["clients' authority for plaintext", [...run, "--tls-grpc-insecure", "--tls-client-ca", "a"], /needs TLS/, /leave/],
  ["a folder for no certificate", [...run, "--tls-grpc-insecure", "--state-dir", "a"], /--state-dir is for/, /leave/],
  ["a certificate without its key", [...run, "--tls-cert", "a"], /--tls-cert was given without --tls-key/, /give both/],
  ["a key without its certificate", [...run, "--tls-key", "a"], /--tls-key was given without --tls-cert/, /give both/],
  ["a certificate for plaintext", [...run, "--tls-grpc-insecure", "--tls-cert", "a"], /serves plaintext/, /leave one/],
  [
    "an address without a port",
    ["run", "--tls-grpc-listener", "bench"],
    /"bench" is no address: it has no port/,
    /HOST/,
  ],
  ["a port that is none", ["run", "--tls-grpc-listener", ":65536"], /"65536" is no port \(0 to 65535\)/, /HOST:PORT/],
  ["an empty passphrase", [...run, "--tls-grpc-insecure", "--passphrase", ""], /The passphrase is empty/, /give one/],
  [
    "a passphrase that cannot travel",
    [...run, "--tls-grpc-insecure", "--passphrase", "schl\u00fcssel"],
    /ASCII/,
    /use/,
  ],
  [
    "a client's empty passphrase",
    [...shell, "--passphrase", "", "true"],
    /The passphrase is empty/,
    /leave the option/,
  ],
  ["a client's passphrase that cannot travel", [...shell, "--passphrase", "\u03b1", "true"], /ASCII/, /use letters/],
  ["a passphrase with a space at its end", [...shell, "--passphrase", "a ", "true"], /ends with a space/, /remove/],
  ["shell without an exporter", ["shell"], /No exporter was named/, /--tls-grpc HOST:PORT, or --exporter-config/],
  ["shell with two exporters", [...shell, "--exporter-config", "x"], /both name an exporter/, /give one/],
  ["a passphrase for a private socket", [...local, "--passphrase", "x"], /goes with --tls-grpc/, /leave it out/],
  ["plaintext for a private socket", [...local, "--tls-grpc-insecure"], /goes with --tls-grpc/, /leave it out/],
  ["a fingerprint for a private socket", [...local, "--tls-fingerprint", "x"], /goes with --tls-grpc/, /leave it out/],
  [
    "devices of one's own private socket",
    [...local, "--exclusive"],
    /--exclusive goes with --tls-grpc/,
    /leave it out/,
  ],
  ["a take-over on a private socket", [...local, "--steal"], /--steal goes with --tls-grpc/, /leave it out/],
  ["a queue for a private socket", [...local, "--wait"], /--wait goes with --tls-grpc/, /leave it out/],
  ["a grace of another machine", [...shell, "--call-grace", "1"], /--call-grace goes with --exporter-config/, /leave/],
  ["a fingerprint for plaintext", [...shell, "--tls-grpc-insecure", "--tls-fingerprint", "x"], /exclude/, /leave one/],
  ["a fingerprint that is none", [...shell, "--tls-fingerprint", "md5:1"], /"md5:1" is no fingerprint/, /64 hexa/],
  ["a key without its certificate", [...shell, "--tls-client-key", "x"], /without --tls-client-cert/, /give both/],
  ["an authority for plaintext", [...shell, "--tls-grpc-insecure", "--tls-ca", "x"], /exclude each other/, /leave one/],
  [
    "no time to wait",
    [...shell, "--ready-timeout", "0"],
    /--ready-timeout .* '0' is invalid\. It must be more than 0/,
    /--help/,
  ],
  [
    "a time that is none",
    [...shell, "--ready-timeout", "soon"],
    /--ready-timeout .* 'soon' is invalid.*such as 90s/,
    /--help/,
  ],
  ["an address that is none", ["shell", "--tls-grpc", "bench:"], /"bench:" is no address/, /HOST:PORT/],
  [
    "a URL of an exporter",
    ["shell", "--tls-grpc", "http://bench:1"],
    /"http:\/\/bench:1" .*: it is a URL$/,
    /HOST:PORT/,
  ],
  ["a URL to listen on", ["run", "--tls-grpc-listener", "http://x:1"], /"http:\/\/x:1" .*: it is a URL$/, /HOST:PORT/],
  ["a target of gRPC's", ["shell", "--tls-grpc", "dns:bench:1"], /"dns:bench:1" is no address/, /HOST:PORT/],
  ["port 0 of an exporter", ["shell", "--tls-grpc", "bench:0"], /port 0 is no port to connect to/, /HOST:PORT/],
];

Deno.test("a wrong command line is told in a line or two", async (t) => {
  await using place = await Place.open();
  for (const [name, words, says, hint] of cases) {
    await t.step(name, async () => assertBriefError(await runJmp(place, words), { code: 2, says, hint }));
  }
  await t.step("j outside of a shell", async () => {
    const says = /There is no exporter to talk to: JUMPSTARTER_HOST is not set/;
    assertBriefError(await runJmp(place, ["j", "power", "on"]), { program: "j", code: 2, says, hint: /jmp shell/ });
  });
});

Deno.test("a wrong command of j is told by the exporter's own drivers", async (t) => {
  await using place = await Place.open();
  /** What is typed after `j`, and what is said. */
  const typed: readonly (readonly [string, RegExp, RegExp])[] = [
    ["powr on", /unknown command 'powr'.*Did you mean power\?/, /see j --help/],
    ["power onn", /unknown command 'onn'.*Did you mean on\?/, /see j power --help/],
    ["power read -n 0", /It must be at least 1\./, /see j power read --help/],
    ["power read -n 1.5", /It must be a whole number\./, /see j power read --help/],
    ["power cycle --wait soon", /It must be a number\./, /see j power cycle --help/],
  ];
  const script = typed.map(([words]) => `jmp j ${words} 2>err; echo "$?"; cat err`).join("; ");
  const words = ["shell", "--exporter-config", await writeConfig(place), "--", "sh", "-c", script];
  const { stdout } = await runJmp(place, words, { cwd: place.dir });
  const answers = stdout.split(/^(?=\d+\n)/m);
  for (const [index, [words, says, hint]] of typed.entries()) {
    await t.step(`j ${words}`, () => {
      const [code, ...lines] = (answers[index] ?? "").split("\n");
      const ended = { code: Number(code), signal: null, stdout: "", stderr: lines.join("\n") };
      assertBriefError(ended, { program: "j", code: 2, says, hint });
    });
  }
});

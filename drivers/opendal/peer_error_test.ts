/** The words are those of OpenDAL's Python package, as exporters of the Python implementation send them. */
import assert from "node:assert/strict";
import { DriverError } from "../../src/errors.ts";
import { explained } from "./peer_error.ts";

const parts = (status: number) => `response: Parts { status: ${status}, version: HTTP/1.1, headers: {"a": "b, c"} }`;
const s3 = (code: string, message: string) => `S3Error { code: "${code}", message: "${message}", resource: "" }`;

/** The first line of what is said, and its context, and what is beneath it. */
function said(first: string, context: readonly string[], source?: string): string {
  const beneath = source === undefined ? "" : `\nSource:\n   ${source}\n\nBacktrace:\n   0: => <unknown>\n`;
  return `${first}\n\nContext:\n${context.map((line) => `   ${line}\n`).join("")}${beneath}`;
}

const cases: readonly (readonly [text: string, code: string, message: string])[] = [
  [
    said(
      "NotFound (permanent) at stat => entity not found",
      ["service: fs", "path: nope"],
      "No such file (os error 2)",
    ),
    "not_found",
    '"nope": there is no such file or directory',
  ],
  [
    said("NotFound (permanent) at stat", ["uri: http://s3/b/f", parts(404), "service: s3", "path: d, e/f"]),
    "not_found",
    '"d, e/f": there is no such file or directory',
  ],
  [
    said(`NotFound (permanent) at copy => ${s3("NoSuchKey", "The key does not exist.")}`, ["from: one", "to: two"]),
    "not_found",
    '"one": there is no such file or directory',
  ],
  [
    said("PermissionDenied (permanent) at stat", [parts(403), "service: s3", "path: f"]),
    "io",
    '"f": the exporter may not do this (403)',
  ],
  [
    `PermissionDenied (permanent) at write, context: { uri: http://s3/b/f, ${parts(403)}, service: s3, path: f, ` +
    `written: 1 } => ${s3("SignatureDoesNotMatch", "")}`,
    "io",
    '"f": the exporter may not do this (SignatureDoesNotMatch)',
  ],
  [
    said(`ConfigInvalid (permanent) at list => ${s3("NoSuchBucket", "It does not exist")}`, [parts(404), "path: /"]),
    "driver",
    '"/": the exporter\'s config is not right for its storage (NoSuchBucket)',
  ],
  [
    said("Unsupported (permanent) at rename => operation is not supported", ["service: s3", "from: a", "to: b"]),
    "unimplemented",
    '"a": the storage cannot do this',
  ],
  [
    said("Unexpected (temporary) at stat => send http request", ["path: f"], "error sending request: refused"),
    "driver",
    '"f": error sending request: refused',
  ],
  [
    said(`Unexpected (temporary) at delete => ${s3("InternalError", "Try again.")}`, [parts(500), "deleted: 0"]),
    "driver",
    "Try again. (InternalError)",
  ],
  [said("Unexpected (persistent) at list", [parts(502), "path: /"]), "driver", '"/": Unexpected (502)'],
  ["the device is on fire", "driver", "the device is on fire"],
  ["Odd (permanent) and no more", "driver", "Odd (permanent) and no more"],
];

Deno.test("what a Python exporter's storage says is told in one line, by its kind", () => {
  for (const [text, code, message] of cases) {
    const error = explained(new DriverError("driver", text, { driver: "images", method: "stat" }));
    assert.ok(error instanceof DriverError);
    assert.deepEqual([error.code, error.message], [code, message]);
    assert.deepEqual([error.driver, error.method], ["images", "stat"]);
  }
});

Deno.test("what an exporter of this project says is left as it is", () => {
  for (const error of [new DriverError("io", cases[0]?.[0] ?? "", { driver: "images", method: "stat" }), new Error()]) {
    assert.equal(explained(error), error);
  }
});

/** What a config says of an object store, what it leaves to the environment, and what comes of it in requests. */
import assert from "node:assert/strict";
import { permissionFlags } from "../../src/permission.ts";
import { client, failsWith, serveStorages } from "./bench_test.ts";
import { opendal } from "./driver.ts";

const variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"] as const;

/** Sets these variables, and no others of Amazon's, until disposed of. */
function withVariables(values: Partial<Record<typeof variables[number], string>>): Disposable {
  const before = variables.map((name) => [name, Deno.env.get(name)] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  for (const name of variables) set(name, values[name]);
  return { [Symbol.dispose]: () => before.forEach(([name, value]) => set(name, value)) };
}

type Asked = Pick<Request, "method" | "url" | "headers">;

/** A store that has a file of every name but "d", takes everything, and notes what it was asked. */
function openStore() {
  const asked: Asked[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { method, url } = request;
    asked.push({ method, url, headers: new Headers([...request.headers]) });
    await request.arrayBuffer();
    if (url.endsWith("/d")) return new Response(null, { status: 404 });
    if (method === "POST") return new Response("<X><UploadId>u</UploadId></X>");
    return new Response(null, { headers: { etag: '"tag"', "content-length": "0" } });
  });
  const { port } = server.addr;
  return {
    asked,
    kwargs: { endpoint: `http://127.0.0.1:${port}`, bucket: "b" },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const keys = { access_key_id: "OWN", secret_access_key: "own-secret" };
const known = { region: "r", ...keys };
const ofVariables = { AWS_ACCESS_KEY_ID: "VARIABLE", AWS_SECRET_ACCESS_KEY: "the-secret" };

Deno.test("what the config does not say is looked for in the environment", async () => {
  await using store = openStore();
  const signedBy = async (kwargs: object) => {
    await using bench = await serveStorages({ storage: { scheme: "s3", kwargs: { ...store.kwargs, ...kwargs } } });
    await client(bench).exists("f");
    const { headers } = store.asked.at(-1) ?? assert.fail();
    const [, who] = /Credential=(\w+\/\d+\/[^/]+)/.exec(headers.get("authorization") ?? "") ?? [];
    return [who?.replace(/\/\d+\//, " in "), headers.get("x-amz-security-token")];
  };
  {
    using _ = withVariables({ ...ofVariables, AWS_SESSION_TOKEN: "token", AWS_REGION: "eu-7" });
    assert.deepEqual(await signedBy({}), ["VARIABLE in eu-7", "token"]);
    assert.deepEqual(await signedBy({ region: "r" }), ["VARIABLE in r", "token"]);
    assert.deepEqual(await signedBy(keys), ["OWN in eu-7", null]);
    assert.deepEqual(await signedBy({ region: "r", allow_anonymous: "true" }), ["VARIABLE in r", "token"]);
    const closed = { region: "r", disable_config_load: "true" };
    assert.deepEqual(await signedBy({ ...closed, allow_anonymous: "true" }), [undefined, null]);
  }
  using _ = withVariables({});
  const refusal = (kwargs: object) =>
    failsWith("driver", serveStorages({ s: { scheme: "s3", kwargs: { ...store.kwargs, ...kwargs } } }));
  assert.match(await refusal({ region: "r" }), /"access_key_id" and "secret_access_key".*AWS_ACCESS_KEY_ID/);
  assert.match(await refusal(keys), /"region".*AWS_REGION/);
  assert.deepEqual(await signedBy({ region: "r", allow_anonymous: "true" }), [undefined, null]);
});

Deno.test("a driver may read the variables that its config leaves open, and no others", () => {
  const flags = (kwargs: object) => {
    const config = opendal.config?.safeParse({ scheme: "s3", kwargs: { bucket: "b", ...kwargs } });
    assert.ok(config?.success, JSON.stringify(config));
    return permissionFlags(opendal.permissions?.(config.data) ?? []);
  };
  using _ = withVariables({ AWS_REGION: "eu-7" });
  const store = { endpoint: "https://s3.example" };
  const credentials = "AWS_ACCESS_KEY_ID,AWS_SECRET_ACCESS_KEY,AWS_SESSION_TOKEN";
  assert.deepEqual(flags({ ...store, ...known }), ["--allow-net=s3.example"]);
  assert.deepEqual(flags({ ...store, region: "r" }), ["--allow-net=s3.example", `--allow-env=${credentials}`]);
  assert.deepEqual(flags(keys), ["--allow-net=s3.eu-7.amazonaws.com", "--allow-env=AWS_REGION"]);
  assert.deepEqual(flags({ ...store, ...known, disable_config_load: "True" }), ["--allow-net=s3.example"]);
});

Deno.test("truth values are texts in any of the forms that the Python implementation takes", async () => {
  const bucketOf = async (enable_virtual_host_style: string) => {
    const kwargs = { bucket: "b", endpoint: "https://s3.example", ...known, enable_virtual_host_style };
    await using bench = await serveStorages({ storage: { scheme: "s3", kwargs } });
    return new URL((await client(bench).presignRead("f", 9)).url).host;
  };
  for (const yes of ["true", "True", "on", "ON"]) assert.equal(await bucketOf(yes), "b.s3.example", yes);
  for (const no of ["false", "FALSE", "off"]) assert.equal(await bucketOf(no), "s3.example", no);
  await failsWith("config", bucketOf("yes"));
});

Deno.test("how files are stored is asked of every request that makes one, and who pays of all", async () => {
  await using store = openStore();
  const kwargs = {
    ...store.kwargs,
    ...known,
    server_side_encryption: "aws:kms",
    server_side_encryption_aws_kms_key_id: "key",
    default_storage_class: "STANDARD_IA",
    enable_request_payer: "on",
  };
  await using bench = await serveStorages({ storage: { scheme: "s3", kwargs } });
  const storage = client(bench);
  await storage.write("small", "x");
  await storage.write("large", new Uint8Array(9 * 1024 * 1024));
  await storage.copy("small", "copy");
  await storage.createDir("d/");
  const { headers } = await storage.presignWrite("f", 9);
  const stored = {
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "key",
    "x-amz-storage-class": "STANDARD_IA",
  };
  assert.deepEqual(headers, { "x-amz-request-payer": "requester", ...stored });
  assert.deepEqual((await storage.presignRead("f", 9)).headers, { "x-amz-request-payer": "requester" });
  const makes = ({ method, url }: Asked) =>
    method === "PUT" && !url.includes("partNumber") || method === "POST" && url.endsWith("?uploads=");
  assert.equal(store.asked.filter(makes).length, 4);
  for (const request of store.asked) {
    assert.equal(request.headers.get("x-amz-request-payer"), "requester");
    for (const [name, value] of Object.entries(stored)) {
      assert.equal(request.headers.get(name), makes(request) ? value : null, `${request.method} ${request.url}`);
    }
    assert.match(request.headers.get("authorization") ?? "", /SignedHeaders=[^,]*x-amz-request-payer/);
  }
});

Deno.test("options that only tune the Python implementation are taken, and those that cannot be had are refused", async () => {
  const serve = (kwargs: object) =>
    serveStorages({
      s: { scheme: "s3", kwargs: { bucket: "b", endpoint: "https://s3.example", ...known, ...kwargs } },
    });
  const tuning = { batch_max_operations: "10", delete_max_size: "10", disable_stat_with_override: "true" };
  await using _taken = await serve({ ...tuning, disable_list_objects_v2: "off", enable_versioning: "on" });
  const refusals: [object, RegExp][] = [
    [{ role_arn: "arn:x" }, /"role_arn" must be left out: .*"session_token"/],
    [{ server_side_encryption_customer_key: "x" }, /"server_side_encryption_customer_key" must be left out: /],
    [{ checksum_algorithm: "crc32c" }, /"checksum_algorithm" must be left out: /],
    [{ disable_list_objects_v2: "true" }, /"disable_list_objects_v2" must be "false": /],
    [{ server_side_encription: "AES256" }, /did you mean "server_side_encryption"/],
    [{ secret_access_key: undefined }, /"access_key_id" and "secret_access_key"/],
    [{ disable_config_load: "true", access_key_id: undefined, secret_access_key: undefined }, /"access_key_id" and/],
  ];
  for (const [kwargs, message] of refusals) assert.match(await failsWith("config", serve(kwargs)), message);
});

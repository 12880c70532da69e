import { JumpstarterError } from "../../src/errors.ts";
import type { S3Settings } from "./s3_bucket.ts";

/** What a config says of an object store, under the names of the Python implementation. */
export interface S3Options {
  readonly bucket: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly access_key_id?: string;
  readonly secret_access_key?: string;
  readonly session_token?: string;
  /** The directory of the bucket that paths start from. */
  readonly root?: string;
  readonly enable_virtual_host_style: boolean;
  /** Whether requests go unsigned where nothing says who the exporter is. */
  readonly allow_anonymous: boolean;
  /** Whether nothing is looked for in the environment. */
  readonly disable_config_load: boolean;
  readonly server_side_encryption?: string;
  readonly server_side_encryption_aws_kms_key_id?: string;
  readonly default_storage_class?: string;
  readonly enable_request_payer: boolean;
}

const credentialVariables = {
  access_key_id: "AWS_ACCESS_KEY_ID",
  secret_access_key: "AWS_SECRET_ACCESS_KEY",
  session_token: "AWS_SESSION_TOKEN",
};
const regionVariables = { region: "AWS_REGION" };

/** The variables that may say what the config does not, by their options. */
export function variablesOf(options: S3Options): Readonly<Record<string, string>> {
  if (options.disable_config_load) return {};
  return {
    ...(options.access_key_id === undefined ? credentialVariables : {}),
    ...(options.region === undefined ? regionVariables : {}),
  };
}

/** The options with what the environment says beside them. */
export function withEnvironment(options: S3Options): S3Options {
  const found = Object.entries(variablesOf(options)).map(([name, variable]) => [name, Deno.env.get(variable)]);
  return { ...options, ...Object.fromEntries(found.filter(([, value]) => value)) };
}

/**
 * Where the bucket is and how it is to be asked.
 *
 * @throws {JumpstarterError} `config` when neither the config nor the environment says who the exporter is, or where.
 */
export function toS3Settings(options: S3Options): S3Settings {
  const { bucket, endpoint, region, access_key_id, secret_access_key, session_token, ...rest } = withEnvironment(
    options,
  );
  if (region === undefined) throw missing(bucket, 'give "region", or set AWS_REGION');
  const isKnown = access_key_id !== undefined && secret_access_key !== undefined;
  if (!isKnown && !rest.allow_anonymous) {
    const variables = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    throw missing(bucket, `give "access_key_id" and "secret_access_key", or set ${variables}`);
  }
  return {
    bucket,
    endpoint,
    region,
    ...(isKnown ? { access_key_id, secret_access_key, session_token } : {}),
    isVirtualHost: rest.enable_virtual_host_style,
    requestHeaders: rest.enable_request_payer ? { "x-amz-request-payer": "requester" } : {},
    objectHeaders: given({
      "x-amz-server-side-encryption": rest.server_side_encryption,
      "x-amz-server-side-encryption-aws-kms-key-id": rest.server_side_encryption_aws_kms_key_id,
      "x-amz-storage-class": rest.default_storage_class,
    }),
  };
}

function missing(bucket: string, hint: string): JumpstarterError {
  return new JumpstarterError("config", `the config does not say how to reach the bucket "${bucket}": ${hint}`);
}

function given(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter((header): header is [string, string] => !!header[1]));
}

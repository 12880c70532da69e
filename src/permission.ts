/**
 * What Deno has to allow, as data: each part of the program and each driver says what it needs for a given config.
 * `jmp permissions` prints the answers, and `jmp run --least-privilege` runs under them and under nothing else.
 *
 * @module
 */

/** What kind of access a permission gives, as Deno names it. */
export type PermissionKind = "read" | "write" | "net" | "run" | "env" | "sys" | "ffi" | "import";

/** Every kind, in the order in which they are shown. */
const permissionKinds: readonly PermissionKind[] = ["read", "write", "net", "run", "env", "sys", "ffi", "import"];

/** One thing that Deno has to allow. */
export interface Permission {
  /** Its kind, as the flag `--allow-<kind>` names it. */
  readonly kind: PermissionKind;
  /**
   * What may be accessed: a path, `HOST:PORT`, a program, a variable, as the flag takes it. Without it all of the kind.
   */
  readonly of?: string;
}

/** What a `deno.json` permission set has for one kind: all of it, or what is listed. */
export type PermissionSet = Partial<Record<PermissionKind, true | string[]>>;

/** Every permission there is: what opening a device file takes, since Deno allows those under no less. */
export const allPermissions: readonly Permission[] = permissionKinds.map((kind) => ({ kind }));

/** The same permissions, each once, as a `deno.json` permission set. All of a kind swallows what is listed of it. */
export function permissionSet(permissions: readonly Permission[]): PermissionSet {
  const set: PermissionSet = {};
  for (const kind of permissionKinds) {
    const ofKind = permissions.filter((permission) => permission.kind === kind);
    const listed = ofKind.flatMap(({ of }) => of === undefined ? [] : [of]);
    if (listed.length < ofKind.length) set[kind] = true;
    else if (listed.length > 0) set[kind] = [...new Set(listed)].sort();
  }
  return set;
}

/** The same as flags of `deno run`; a comma inside a value is doubled, as Deno wants it. */
export function permissionFlags(permissions: readonly Permission[]): string[] {
  const set = permissionSet(permissions);
  if (permissionKinds.every((kind) => set[kind] === true)) return ["--allow-all"];
  return permissionKinds.flatMap((kind) => {
    const allowed = set[kind];
    if (allowed === undefined) return [];
    if (allowed === true) return [`--allow-${kind}`];
    return [`--allow-${kind}=${allowed.map((value) => value.replaceAll(",", ",,")).join(",")}`];
  });
}

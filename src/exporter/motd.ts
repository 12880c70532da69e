/** The most that a hook may add to the message of the day, in bytes. */
const maxMotdBytes = 64 * 1024;

/** The config's message of the day, and what the hook has added to it. */
export function joinMotd(motd: string | undefined, file: string): string | undefined {
  const parts = [motd?.trimEnd(), readMotd(file)].filter((part) => part);
  return parts.length === 0 ? undefined : parts.join("\n");
}

function readMotd(path: string): string | undefined {
  try {
    if (!Deno.lstatSync(path).isFile) return undefined;
    return new TextDecoder().decode(Deno.readFileSync(path).subarray(0, maxMotdBytes)).trimEnd();
  } catch {
    return undefined; // the hook has written none, or none that may be read
  }
}

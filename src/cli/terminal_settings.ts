/** What is used of the C library: a terminal's settings, and which group of processes has it. */
const symbols = {
  tcgetattr: { parameters: ["i32", "buffer"], result: "i32" },
  tcsetattr: { parameters: ["i32", "i32", "buffer"], result: "i32" },
  tcgetpgrp: { parameters: ["i32"], result: "i32" },
  getpgrp: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const STDIN = 0, TCSANOW = 0;

/** More than `struct termios` takes anywhere; what is in it is the system's business. */
const termiosBytes = 256;

const libraries: Readonly<Partial<Record<typeof Deno.build.os, string>>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};

/**
 * Remembers how the terminal of this process is set, and sets it so again when disposed of: a command that was killed
 * leaves it as it was just then, such as without echo. Nothing where there is no such terminal or no way to ask it.
 */
export function keepTerminalSettings(): Disposable | undefined {
  const library = openLibrary();
  if (library === undefined) return undefined;
  const { tcgetattr, tcsetattr, tcgetpgrp, getpgrp } = library.symbols;
  const read = () => {
    const settings = new Uint8Array(termiosBytes);
    return tcgetattr(STDIN, settings) === 0 ? settings : undefined;
  };
  const before = read();
  return {
    [Symbol.dispose]() {
      const after = read();
      const isChanged = before !== undefined && after !== undefined && after.some((byte, i) => byte !== before[i]);
      // From the background it would be another program's terminal that is changed, and this one would be stopped.
      if (isChanged && tcgetpgrp(STDIN) === getpgrp()) tcsetattr(STDIN, TCSANOW, before);
      library.close();
    },
  };
}

function openLibrary(): Deno.DynamicLibrary<typeof symbols> | undefined {
  const path = libraries[Deno.build.os];
  if (path === undefined || Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  try {
    return Deno.dlopen(path, symbols);
  } catch {
    return undefined; // a C library of another name
  }
}

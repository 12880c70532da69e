/** A line on the terminal that says how far a transfer has come. */
export interface ProgressLine {
  /** Shows `bytes`, of `total` where it is known; at most ten times a second. */
  show(bytes: number, total?: number): void;
  /** Leaves the last state standing, on a line of its own. */
  clear(): void;
}

const intervalMs = 100;

/** A progress line where a person watches; elsewhere nothing is written. */
export function createProgressLine(
  isWatched: boolean,
  writeErr: (text: string) => void,
  now = () => performance.now(),
): ProgressLine {
  const startedAt = now();
  let shownAt = -Infinity;
  let last: { bytes: number; total?: number } | undefined;
  const write = (bytes: number, total?: number) => {
    writeErr(`\r\x1b[K${formatProgress(bytes, total, (now() - startedAt) / 1_000)}`);
  };
  return {
    show(bytes, total) {
      if (!isWatched) return;
      last = { bytes, total };
      if (now() - shownAt < intervalMs) return;
      shownAt = now();
      write(bytes, total);
    },
    clear() {
      if (last === undefined) return;
      write(last.bytes, last.total);
      writeErr("\n");
      last = undefined;
    },
  };
}

/** `42 % [========            ] 42.0 MiB of 100.0 MiB, 21.0 MiB/s`; without a total only the amounts. */
export function formatProgress(bytes: number, total: number | undefined, seconds: number): string {
  const rate = seconds > 0 ? `, ${formatBytes(bytes / seconds)}/s` : "";
  if (total === undefined || total === 0) return `${formatBytes(bytes)}${rate}`;
  const share = Math.min(1, bytes / total);
  const bar = "=".repeat(Math.round(share * 20)).padEnd(20);
  return `${Math.floor(share * 100)} % [${bar}] ${formatBytes(bytes)} of ${formatBytes(total)}${rate}`;
}

function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** How a child has ended. */
export interface ChildEnd {
  /** Whether its exit code is 0. */
  readonly success: boolean;
  /** Its exit code; 128+N when the signal N has ended it. */
  readonly code: number;
  /** The signal that has ended it: its name, or `signal N` where Deno knows none. */
  readonly signal: string | null;
}

/** What Deno says in place of the status where it has no name for the signal, as for all real-time ones. */
const namelessSignal = /^Invalid signal: (\d+)$/;

/** Waits until a child has ended. */
export async function childEnd({ status }: Pick<Deno.ChildProcess, "status">): Promise<ChildEnd> {
  try {
    return await status;
  } catch (error) {
    const [, number] = namelessSignal.exec(error instanceof TypeError ? error.message : "") ?? [];
    if (number === undefined) throw error;
    return { success: false, code: 128 + Number(number), signal: `signal ${number}` };
  }
}

/** How a port is set up. */
export interface LineSettings {
  /** Bits per second. */
  readonly baudrate: number;
  /** Leave the modem lines as they are when the port is closed. */
  readonly keepsLines: boolean;
}

/** `struct termios2` as Linux has it on x86-64 and ARM64, and the requests that read and write it. */
export const termios2 = { size: 44, get: 0x802c_542a, set: 0x402c_542b } as const;

/** Where its fields are: numbers of 32 bits, but for the control characters, which are bytes. */
const offsets = { iflag: 0, oflag: 4, cflag: 8, lflag: 12, cc: 17, ispeed: 36, ospeed: 40 } as const;
const vtime = offsets.cc + 5, vmin = offsets.cc + 6;

/** Bits of `cflag`. */
const CS8 = 0o60, CREAD = 0o200, HUPCL = 0o2000, CLOCAL = 0o4000;
/** The speed is the number in `ospeed`, whatever it is. */
const BOTHER = 0o10000;
/** The speeds that have a code: the first ones from 1 on, the others from BOTHER + 1 on. */
const slowSpeeds = [50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
// deno-fmt-ignore
const fastSpeeds = [
  57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
];

/** Programs that know the codes alone are to read the speed as well. */
function speedCode(baudrate: number): number {
  const slow = slowSpeeds.indexOf(baudrate) + 1, fast = fastSpeeds.indexOf(baudrate) + 1;
  return slow > 0 ? slow : BOTHER + fast;
}

/**
 * The settings for bytes as they are: 8 data bits, no parity, 1 stop bit, no flow control, no line discipline.
 *
 * @param current What the port has, for the rest.
 */
export function rawTermios(current: Uint8Array, { baudrate, keepsLines }: LineSettings): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(current);
  const fields = new DataView(bytes.buffer);
  const hangUp = keepsLines ? 0 : fields.getUint32(offsets.cflag, true) & HUPCL;
  for (const flags of [offsets.iflag, offsets.oflag, offsets.lflag]) fields.setUint32(flags, 0, true);
  fields.setUint32(offsets.cflag, CS8 | CREAD | CLOCAL | hangUp | speedCode(baudrate), true);
  for (const speed of [offsets.ispeed, offsets.ospeed]) fields.setUint32(speed, baudrate, true);
  bytes[vtime] = 0;
  bytes[vmin] = 1;
  return bytes;
}

/** The speed that a port has. */
export function speedOf(termios: Uint8Array): number {
  return new DataView(termios.buffer, termios.byteOffset).getUint32(offsets.ospeed, true);
}

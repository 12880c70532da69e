import type { Duplex } from "node:stream";

/**
 * Sends what is written to a socket in one turn in one piece. HTTP/2 writes each frame by itself, and one call of the
 * system for each costs a stream of many frames more than all else that is done with them.
 *
 * @param socket A connected socket that HTTP/2 has not been given yet.
 */
export function joinWrites(socket: Duplex): void {
  const write = socket.write.bind(socket);
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    socket.uncork();
  };
  const joined = (...args: unknown[]): boolean => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      queueMicrotask(uncork);
    }
    return Reflect.apply(write, undefined, args);
  };
  socket.write = joined as Duplex["write"];
}

/** Messages of gRPC, right and wrong. */
import fc from "fast-check";
import { Buffer } from "node:buffer";

/** Messages within messages, deeper than anyone sends, which break off at any place. */
export function nestedValue(): fc.Arbitrary<Uint8Array> {
  return fc.tuple(fc.nat({ max: 300 }), fc.boolean(), fc.uint8Array({ maxLength: 20 })).map(
    ([depth, isList, inmost]) => {
      let bytes = Buffer.from(inmost);
      for (let level = 0; level < depth; level++) {
        bytes = field(1, bytes); // an item of a list, or an entry of a struct
        bytes = field(isList ? 6 : 5, bytes);
      }
      return bytes;
    },
  );
}

/** A field of bytes. */
function field(number: number, bytes: Buffer): Buffer<ArrayBuffer> {
  const length: number[] = [];
  for (let rest = bytes.length;; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

/** A call of a driver, as a message of gRPC. */
export function driverCall(): fc.Arbitrary<Uint8Array> {
  const text = fc.string({ unit: "binary", maxLength: 20 }).map((text) => Buffer.from(text));
  const name = fc.constantFrom("on", "off", "read", "constructor", "__proto__", "").map((name) => Buffer.from(name));
  return fc.tuple(text, fc.oneof(name, text), fc.array(nestedValue(), { maxLength: 3 })).map(([uuid, method, args]) => {
    const message = Buffer.concat([field(1, uuid), field(2, method), ...args.map((arg) => field(3, Buffer.from(arg)))]);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    return Buffer.concat([prefix, message]);
  });
}

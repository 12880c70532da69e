/** What an unquoted word of a YAML file may turn out to be. */
export type PlainValue = string | number | boolean | null;

/**
 * Reads an unquoted word as PyYAML does: YAML 1.1, in which `yes` and `off` are booleans, `0777` is octal and `1:30`
 * is ninety, but `y`, `n` and `1e3` are text. A configuration has to mean the same to either implementation, and
 * YAML packages differ from PyYAML in these three. Dates stay text: nothing here has a use for them.
 */
export function readPlain(word: string): PlainValue {
  if (/^(?:~|null|Null|NULL|)$/.test(word)) return null;
  if (/^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(word)) return true;
  if (/^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(word)) return false;
  return readInteger(word) ?? readFloat(word) ?? word;
}

/** The value of `word` under an explicit tag such as `!!int`; undefined where the two do not go together. */
export function readTagged(tag: string, word: string): PlainValue | undefined {
  const value = readPlain(word);
  switch (tag) {
    case "tag:yaml.org,2002:int":
      return Number.isInteger(value) ? value : undefined;
    case "tag:yaml.org,2002:float":
      return typeof value === "number" ? value : undefined;
    case "tag:yaml.org,2002:bool":
      return typeof value === "boolean" ? value : undefined;
    case "tag:yaml.org,2002:null":
      return value === null ? value : undefined;
    default:
      return undefined;
  }
}

function readInteger(word: string): number | undefined {
  const [, sign, body = ""] = /^([-+]?)(\d[\d_a-fxA-F:]*)$/.exec(word) ?? [];
  const digits = body.replaceAll("_", "");
  const value = /^0b[01]+$/.test(digits)
    ? parseInt(digits.slice(2), 2)
    : /^0x[\da-fA-F]+$/.test(digits)
    ? parseInt(digits.slice(2), 16)
    : /^0[0-7]+$/.test(digits)
    ? parseInt(digits, 8)
    : /^(?:0|[1-9]\d*)$/.test(digits)
    ? Number(digits)
    : /^[1-9]\d*(?::[0-5]?\d)+$/.test(digits)
    ? fromSixties(digits)
    : undefined;
  // `0 -` rather than a minus sign, since -0 is no integer that YAML knows.
  return value === undefined || sign !== "-" ? value : 0 - value;
}

function readFloat(word: string): number | undefined {
  if (/^\.(?:nan|NaN|NAN)$/.test(word)) return NaN;
  const infinity = /^([-+]?)\.(?:inf|Inf|INF)$/.exec(word);
  if (infinity !== null) return infinity[1] === "-" ? -Infinity : Infinity;
  const digits = word.replaceAll("_", "");
  if (/^[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?$/.test(word)) return Number(digits);
  if (/^\.\d[\d_]*(?:[eE][-+]\d+)?$/.test(word)) return Number(digits);
  if (!/^[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*$/.test(word)) return undefined;
  const value = fromSixties(digits.replace(/^[-+]/, ""));
  return digits.startsWith("-") ? -value : value;
}

/** `1:30` is 90, as hours, minutes and seconds are written. */
function fromSixties(digits: string): number {
  return digits.split(":").reduce((total, part) => total * 60 + Number(part), 0);
}

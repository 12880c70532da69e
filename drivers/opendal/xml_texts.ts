/** The texts of all elements of a name in a flat XML document, such as object stores answer with. */
export function xmlTexts(document: string, name: string): string[] {
  const elements = document.matchAll(new RegExp(`<${name}(?:\\s[^<>]*)?>([^<]*)</${name}\\s*>`, "g"));
  return [...elements].map(([, text = ""]) => decodeEntities(text));
}

/** A text as it stands in an XML document. */
export function xmlEncode(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decodeEntities(text: string): string {
  return text.replace(/&(?:#x([\da-fA-F]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/g, (whole, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? whole;
    const point = hex === undefined ? Number(decimal) : parseInt(hex, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}

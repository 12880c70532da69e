/** Whether a release of Deno is older than another, by the numbers of `major.minor.patch`. */
export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const [a, b] = [numbers(version), numbers(than)];
  for (let i = 0; i < 3; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

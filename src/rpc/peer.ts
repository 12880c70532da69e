/** A listener on every address sees IPv4 clients under IPv6 addresses; people know them by the plain ones. */
export function plainPeer(peer: string): string {
  return peer.replace(/^(\[?)::ffff:([\d.]+)(\]?)/, "$2");
}

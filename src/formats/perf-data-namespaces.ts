/** Place of the mount namespace among those of a NAMESPACES record. */
const MOUNT_NAMESPACE = 5;

/** Which processes see other files than most: those of containers. */
export class MountNamespaces {
  readonly #inodeOf = new Map<number, number>();

  /** A NAMESPACES record: pid and tid, a count, and for each namespace its device and its inode. */
  read(view: DataView, body: number, end: number, littleEndian: boolean): void {
    const at = body + 16 + MOUNT_NAMESPACE * 16 + 8;
    if (at + 8 > end) return;
    const inode = view.getUint32(at + (littleEndian ? 0 : 4), littleEndian);
    this.#inodeOf.set(view.getInt32(body, littleEndian), inode);
  }

  /** How many processes are not where most are. */
  get elsewhere(): number {
    const counts = new Map<number, number>();
    for (const inode of this.#inodeOf.values()) counts.set(inode, (counts.get(inode) ?? 0) + 1);
    return this.#inodeOf.size - Math.max(0, ...counts.values());
  }
}

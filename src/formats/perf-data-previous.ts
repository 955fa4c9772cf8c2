/**
 * The call chain of the sample before, outermost address first, with the node of each: where the next chain begins
 * alike, its nodes are known without a look into the tree.
 */
export class PreviousChain {
  /** Lower words of the addresses; `keys` are the upper ones, with a bit for addresses that are returned to. */
  lows: Uint32Array = new Uint32Array(128);
  keys: Int32Array = new Int32Array(128);
  nodes: Int32Array = new Int32Array(128);
  #root = -1;

  /** False where nothing of it holds: another root. Makes room for `count` addresses. */
  begin(root: number, count: number): boolean {
    const same = this.#root === root;
    this.#root = root;
    if (count > this.lows.length) {
      const size = count * 2;
      const { lows, keys, nodes } = this;
      this.lows = new Uint32Array(size);
      this.keys = new Int32Array(size);
      this.nodes = new Int32Array(size);
      this.lows.set(lows);
      this.keys.set(keys);
      this.nodes.set(nodes);
    }
    return same;
  }

  /** Ends the chain behind `depth` addresses: what an earlier, deeper one left there does not hold. */
  end(depth: number): void {
    if (depth < this.lows.length) {
      this.lows[depth] = 0;
      this.keys[depth] = 0;
      this.nodes[depth] = -1;
    }
  }
}

/**
 * The call chain of the sample before, outermost address first, with the node of each: where the next chain begins
 * alike, its nodes are known without a look into the tree.
 */
export class PreviousChain {
  /** Two words an address, the lower one first. */
  words: Int32Array = new Int32Array(256);
  nodes: Int32Array = new Int32Array(128);
  #length = 0;
  #root = -1;

  /** How many addresses of a chain are the same, the outermost first. `innermost` and `count`: where it is in `words`. */
  sameAs(root: number, words: Int32Array, innermost: number, count: number): number {
    if (this.#root !== root) return 0;
    const known = this.words;
    const limit = Math.min(count, this.#length);
    let depth = 0;
    let at = innermost + (count - 1) * 2;
    while (depth < limit && known[depth * 2] === words[at] && known[depth * 2 + 1] === words[at + 1]) {
      depth++;
      at -= 2;
    }
    return depth;
  }

  /** Makes room for `count` addresses below `root`, which the caller fills in. */
  begin(root: number, count: number): void {
    this.#root = root;
    this.#length = count;
    if (count <= this.nodes.length) return;
    const words = new Int32Array(count * 4);
    words.set(this.words);
    const nodes = new Int32Array(count * 2);
    nodes.set(this.nodes);
    this.words = words;
    this.nodes = nodes;
  }
}

/** Children of each stack as linked lists in ascending order; those of the roots' parent are at index `length`. */
export function childLists(parent: Int32Array): { readonly firstChild: Int32Array; readonly nextSibling: Int32Array } {
  const firstChild = new Int32Array(parent.length + 1).fill(-1);
  const nextSibling = new Int32Array(parent.length).fill(-1);
  for (let stack = parent.length - 1; stack >= 0; stack--) {
    const above = parent[stack]! < 0 ? parent.length : parent[stack]!;
    nextSibling[stack] = firstChild[above]!;
    firstChild[above] = stack;
  }
  return { firstChild, nextSibling };
}

import { float64Column, int32Column } from '../base/column.ts';
import type { Warnings } from '../base/warnings.ts';
import { type FrameIndex, NO_STACK, type StackIndex } from '../model/profile.ts';
import type { ProfileBuilder } from '../model/profile-builder.ts';

/**
 * A call tree as V8 writes it: nodes with ids in any order, each naming its children or its parent. `resolve` turns
 * it into stacks with loops alone, whatever the depth.
 */
export class CallTree {
  /** Frame of each node; -1 for a root that is no function. */
  readonly #frame = int32Column();
  readonly #parentRow = int32Column();
  readonly #rowOf = new Map<number, number>();
  /** Pairs (parent row, child id), joined when all nodes are known. */
  readonly #edgeParent = int32Column();
  readonly #edgeChild = float64Column();

  get length(): number {
    return this.#frame.length;
  }

  /** Adds a node, which has no frame (a root that is no function) until it gets one; returns its row. */
  add(parentRow = -1): number {
    this.#parentRow.push(parentRow);
    return this.#frame.push(-1);
  }

  setFrame(row: number, frame: FrameIndex): void {
    this.#frame.set(row, frame);
  }

  setId(row: number, id: number): void {
    if (!Number.isNaN(id)) this.#rowOf.set(id, row);
  }

  setParent(row: number, parentRow: number): void {
    this.#parentRow.set(row, parentRow);
  }

  child(row: number, childId: number): void {
    this.#edgeParent.push(row);
    this.#edgeChild.push(childId);
  }

  rowOf(id: number): number | undefined {
    return this.#rowOf.get(id);
  }

  /** The stack of each row. A node that is its own ancestor (damaged input) becomes a root, and is counted. */
  resolve(builder: ProfileBuilder, warnings: Warnings): Int32Array {
    for (let edge = 0; edge < this.#edgeParent.length; edge++) {
      const row = this.#rowOf.get(this.#edgeChild.get(edge));
      if (row !== undefined) this.#parentRow.set(row, this.#edgeParent.get(edge));
    }
    const stacks = new Int32Array(this.length).fill(UNKNOWN);
    const path: number[] = [];
    for (let start = 0; start < this.length; start++) {
      let row = start;
      while (row >= 0 && stacks[row] === UNKNOWN) {
        stacks[row] = ON_PATH;
        path.push(row);
        row = this.#parentRow.get(row);
      }
      let stack: StackIndex = NO_STACK;
      if (row >= 0) {
        if (stacks[row] === ON_PATH) {
          warnings.add('damaged-input', 'call tree nodes are their own ancestors', { example: `node ${row}` });
        } else stack = stacks[row]! as StackIndex;
      }
      for (let next = path.pop(); next !== undefined; next = path.pop()) {
        const frame = this.#frame.get(next);
        if (frame >= 0) stack = builder.stack(stack, frame as FrameIndex);
        stacks[next] = stack;
      }
    }
    return stacks;
  }
}

const UNKNOWN = -2;
const ON_PATH = -3;

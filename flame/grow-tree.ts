import type { FlameNodes } from './flame-model.ts';

/** A tree under construction: asks for a child by frame and makes it where it is new. */
export interface GrowingTree {
  /** The child of `parent` with this frame; nodes are numbered in the order of their making, from 0 = root. */
  childOf(parent: number, frame: number): number;
  finish(): FlameNodes;
}

/**
 * Starts a tree with its root (frame 0). One open-addressing table over typed arrays: a `Map` with a million keys costs
 * five times as much. Part of the program inside the pictures: refers to nothing outside of itself.
 */
export function growTree(expected: number): GrowingTree {
  let capacity = 1024;
  while (capacity < expected) capacity *= 2;
  let parents = new Int32Array(capacity);
  let frames = new Uint32Array(capacity);
  let slots = new Int32Array(capacity * 2).fill(-1);
  let length = 1;
  parents[0] = -1;

  // Nodes of a new path have consecutive numbers: near their parents' places, walking it again is a few cache lines.
  const slotOf = (parent: number, frame: number): number => {
    const mask = slots.length - 1;
    for (let near = parent * 2; near < parent * 2 + 6; near++) {
      const node = slots[near & mask]!;
      if (node === -1 || (parents[node] === parent && frames[node] === frame)) return near & mask;
    }
    let slot = Math.imul(Math.imul(parent, 0x9e3779b1) ^ (frame + 0x7f4a7c15), 0x85ebca6b);
    slot = (slot ^ (slot >>> 15)) & mask;
    for (let node = slots[slot]!; node !== -1; node = slots[slot]!) {
      if (parents[node] === parent && frames[node] === frame) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  };

  return {
    childOf(parent, frame) {
      let slot = slotOf(parent, frame);
      const known = slots[slot]!;
      if (known !== -1) return known;
      if (length === capacity) {
        capacity *= 2;
        const oldParents = parents;
        const oldFrames = frames;
        parents = new Int32Array(capacity);
        frames = new Uint32Array(capacity);
        parents.set(oldParents);
        frames.set(oldFrames);
        slots = new Int32Array(capacity * 2).fill(-1);
        for (let i = 1; i < length; i++) slots[slotOf(parents[i]!, frames[i]!)] = i;
        slot = slotOf(parent, frame);
      }
      parents[length] = parent;
      frames[length] = frame;
      slots[slot] = length;
      return length++;
    },
    finish() {
      return { length, parent: parents.subarray(0, length), frame: frames.subarray(0, length) };
    },
  };
}

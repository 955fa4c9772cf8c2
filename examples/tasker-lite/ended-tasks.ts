/** How a task ended, and when (`performance.now()` of this process). */
export interface TaskEnd {
  readonly status: string;
  readonly atMs: number;
}

/** Brings news of ended tasks and those who wait for them together, whichever comes first. */
export class EndedTasks {
  readonly #ended = new Map<string, TaskEnd>();
  readonly #waiting = new Map<string, (end: TaskEnd) => void>();

  tell(taskUuid: string, end: TaskEnd): void {
    const waiter = this.#waiting.get(taskUuid);
    this.#waiting.delete(taskUuid);
    if (waiter === undefined) this.#ended.set(taskUuid, end);
    else waiter(end);
  }

  /** Resolves with `timed_out` after `limitMs`. */
  async wait(taskUuid: string, limitMs: number): Promise<TaskEnd> {
    const already = this.#ended.get(taskUuid);
    this.#ended.delete(taskUuid);
    if (already !== undefined) return already;
    return await new Promise(resolve => {
      const limit = setTimeout(() => this.tell(taskUuid, { status: 'timed_out', atMs: performance.now() }), limitMs);
      limit.unref();
      this.#waiting.set(taskUuid, end => {
        clearTimeout(limit);
        resolve(end);
      });
    });
  }
}

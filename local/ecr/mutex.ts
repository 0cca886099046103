/**
 * Runs one task after another, in the order of arrival. A task that fails does not stop the next.
 */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** The task's own outcome. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}

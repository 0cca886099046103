/** The invocation has no time left. What was copied is present for the next one. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  constructor() {
    super('the time of this invocation is used up; the job continues in the next one');
  }
}

/** Something did not turn out as the demo says it does. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

/**
 * Holds the demo to what it shows.
 *
 * @param otherwise what is wrong, for people
 * @throws DemoFailure where it does not hold
 */
export function ensure(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new DemoFailure(otherwise);
}

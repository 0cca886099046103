/** Something did not happen as the demo claims. */
export class DemoFailure extends Error {
  override readonly name = 'DemoFailure';
}

/**
 * Holds the demo to its claims.
 *
 * @param otherwise what is wrong, for people
 * @throws DemoFailure if it does not hold
 */
export function ensure(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new DemoFailure(otherwise);
}

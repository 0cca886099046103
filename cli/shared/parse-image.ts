import { InvalidArgumentError } from 'commander';
import { InvalidReferenceError, parseReference, type Reference } from '../../core/oci/reference.ts';

/**
 * An image reference from an argument, as it was written: the API accepts every spelling.
 *
 * @throws InvalidArgumentError if it is not a reference
 */
export function parseImage(text: string): string {
  parseReferenceArgument(text);
  return text;
}

/** The same for arguments that may be repeated. */
export function addImage(text: string, before: readonly string[] = []): string[] {
  return [...before, parseImage(text)];
}

/** A reference by tag: a digest always names the same image, so nothing ever moves it. */
export function parseTagged(text: string): string {
  if (parseReferenceArgument(text).digest === undefined) return text;
  throw new InvalidArgumentError('a digest never moves: write the image with its tag');
}

/** An image reference from an argument, parsed. @throws InvalidArgumentError if it is none */
export function parseReferenceArgument(text: string): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

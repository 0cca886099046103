import { InvalidArgumentError } from 'commander';
import { InvalidPlatformError, type Platform, parsePlatform } from '../../core/oci/platform.ts';

/** The value of an option that may be repeated: a platform, added to those before. */
export function addPlatform(text: string, before: Platform[] = []): Platform[] {
  try {
    return [...before, parsePlatform(text)];
  } catch (error) {
    if (error instanceof InvalidPlatformError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

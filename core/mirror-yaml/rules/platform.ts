import { text } from '../../config/fields.ts';
import { formatPlatform, InvalidPlatformError, parsePlatform } from '../../oci/platform.ts';

/** A platform, as a rule names it. */
export const platform = text({ what: 'a platform', example: 'linux/amd64' }, (value) => {
  try {
    parsePlatform(value);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidPlatformError) return error.message;
    throw error;
  }
});

/** Valid platforms in the form of `formatPlatform`, each once. */
export function normalisePlatforms(platforms: readonly string[]): string[] {
  return [...new Set(platforms.map((text) => formatPlatform(parsePlatform(text))))];
}

/** The parts of a package URL that name an image. */
export interface PackageUrl {
  type: string;
  name: string;
  /** Decoded; for images, a digest. */
  version?: string;
  /** Keys in lower case, values decoded; empty ones are left out. */
  qualifiers: ReadonlyMap<string, string>;
}

/**
 * Parses a package URL, `scheme:type/namespace/name@version?qualifiers#subpath`, from the right as
 * the specification says. Namespace and subpath are skipped.
 * https://github.com/package-url/purl-spec
 *
 * @returns undefined if it is not a package URL
 */
export function parsePackageUrl(text: string): PackageUrl | undefined {
  const [before = ''] = splitLast(text, '#');
  const [beforeQualifiers = '', query = ''] = splitLast(before, '?');
  if (!/^pkg:/i.test(beforeQualifiers)) return undefined;
  const path = trimSlashes(beforeQualifiers.slice('pkg:'.length));
  const slash = path.indexOf('/');
  if (slash < 0) return undefined;
  const type = path.slice(0, slash).toLowerCase();
  const [nameParts = '', version = ''] = splitLast(trimSlashes(path.slice(slash + 1)), '@');
  const name = nameParts.slice(nameParts.lastIndexOf('/') + 1);
  if (!/^[a-z][a-z0-9.+-]*$/.test(type) || name === '') return undefined;
  try {
    return {
      type,
      name: decodeURIComponent(name),
      ...(version !== '' && { version: decodeURIComponent(version) }),
      qualifiers: readQualifiers(query),
    };
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function readQualifiers(query: string): Map<string, string> {
  const qualifiers = new Map<string, string>();
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    const value = equals < 0 ? '' : decodeURIComponent(pair.slice(equals + 1));
    if (value !== '') qualifiers.set(pair.slice(0, equals).toLowerCase(), value);
  }
  return qualifiers;
}

/** The text before and after the last separator; only the whole text if there is none. */
function splitLast(text: string, separator: string): string[] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function trimSlashes(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === '/') start++;
  while (end > start && text[end - 1] === '/') end--;
  return text.slice(start, end);
}

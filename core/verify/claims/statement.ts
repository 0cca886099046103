import type { PredicateCondition } from '../../config/verification.ts';
import { type Digest, digestAlgorithm } from '../../oci/digest.ts';
import { describeMatch, matchesText } from '../text-match.ts';
import { ClaimError, type Json, objectOf, parseJson, quoted } from './claim-error.ts';

/**
 * What a signed statement says about its subjects.
 * https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 */
export interface Statement {
  predicateType: string;
  predicate: unknown;
  /** The SHA-256 and SHA-512 digests of its subjects, as far as they have any. */
  subjects: string[];
}

/** The only type of payload whose meaning is known here. */
export const statementPayloadType = 'application/vnd.in-toto+json';

/** A statement about more artifacts than this is not read. */
const maxSubjects = 10_000;

const statementTypes = ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1'];

/** Reads an in-toto statement. @throws ClaimError */
export function parseStatement(payload: Uint8Array): Statement {
  const statement = objectOf(parseJson(payload, 'its statement'), 'its statement');
  const { _type: type, subject, predicateType, predicate } = statement;
  if (typeof type !== 'string' || !statementTypes.includes(type))
    throw new ClaimError(`its payload is ${quoted(type)}, not an in-toto statement`);
  if (typeof predicateType !== 'string') throw new ClaimError('its statement has no predicate type');
  if (!Array.isArray(subject) || subject.length > maxSubjects)
    throw new ClaimError(`its statement has no list of at most ${maxSubjects} subjects`);
  return { predicateType, predicate, subjects: subject.flatMap(digestsOf) };
}

function digestsOf(subject: unknown): string[] {
  const { digest } = objectOf(subject, 'a subject of its statement');
  if (digest === undefined) return [];
  const digests = objectOf(digest, 'a digest of its statement');
  return ['sha256', 'sha512'].flatMap((algorithm) => {
    const hex = Object.hasOwn(digests, algorithm) ? digests[algorithm] : undefined;
    return typeof hex === 'string' ? [`${algorithm}:${hex}`] : [];
  });
}

/** @throws ClaimError if the statement is about something else. */
export function expectSubject({ subjects }: Statement, digest: Digest): void {
  if (subjects.includes(digest)) return;
  const same = subjects.filter((subject) => subject.startsWith(digestAlgorithm(digest)));
  const [first] = same;
  if (first === undefined) throw new ClaimError('its statement names no digest');
  const others = same.length > 1 ? ` and ${same.length - 1} more` : '';
  throw new ClaimError(`its statement is about ${quoted(first)}${others}, not about this image`);
}

/** What of a predicate is not as it must be; undefined if all of it is. */
export function unmetCondition(predicate: unknown, where: readonly PredicateCondition[]): string | undefined {
  for (const { field, value } of where) {
    const found = fieldOf(predicate, field);
    if (found === undefined) return `its predicate has no string, number or Boolean at ${quoted(field)}`;
    if (!matchesText(found, value))
      return `its ${field} is ${quoted(found)}, not ${quoted(describeMatch(value))}`;
  }
  return undefined;
}

/**
 * The value at a path with dots, as text; numbers are places in lists. The rest of a path is also
 * tried as one name, since names may have dots (`annotations.org.example.team`).
 */
function fieldOf(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, Json>;
  const has = (key: string) =>
    (Array.isArray(value) ? /^\d+$/.test(key) : true) && Object.hasOwn(fields, key);
  if (has(path)) return scalar(fields[path]);
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const key = path.slice(0, dot);
    if (!has(key)) continue;
    const found = fieldOf(fields[key], path.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

function scalar(value: Json): string | undefined {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : undefined;
}

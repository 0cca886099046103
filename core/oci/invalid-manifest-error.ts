import { DrayageError, type Retry } from '../errors.ts';

/**
 * Why a manifest is refused, as an error code of the distribution specification if it has one:
 * `MANIFEST_INVALID` is malformed or ambiguous, `DIGEST_INVALID` is not what was requested, and
 * `MANIFEST_UNSUPPORTED` (ours) is well-formed but of a kind that is not copied.
 */
export type InvalidManifestCode = 'MANIFEST_INVALID' | 'MANIFEST_UNSUPPORTED' | 'DIGEST_INVALID';

/**
 * A manifest that is refused. `reason` names the path (`layers[3].size`), the value and the remedy.
 */
export class InvalidManifestError extends DrayageError {
  readonly code: InvalidManifestCode;
  readonly reason: string;
  readonly side = 'upstream';
  readonly remedy: string;
  /** Whether the remedy is specific to this failure. */
  readonly isExplained: boolean;
  readonly retry: Retry = { kind: 'never' };
  constructor(code: InvalidManifestCode, reason: string, options: ErrorOptions & { remedy?: string } = {}) {
    super(`invalid manifest: ${reason}`, options);
    this.remedy = options.remedy ?? 'ask the publisher to push the image again';
    this.isExplained = options.remedy !== undefined;
    this.name = 'InvalidManifestError';
    this.code = code;
    this.reason = reason;
  }
}

/** A value in the form for messages: JSON, shortened. */
export function showValue(value: unknown): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const json = String(JSON.stringify(value));
  return json.length > 100 ? `${json.slice(0, 100)}…` : json;
}

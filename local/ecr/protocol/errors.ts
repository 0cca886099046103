import type { Digest } from '../../../core/oci/digest.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';

/**
 * Error codes of the specification.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export type ErrorCode =
  | 'BLOB_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'DENIED'
  | 'DIGEST_INVALID'
  | 'MANIFEST_BLOB_UNKNOWN'
  | 'MANIFEST_INVALID'
  | 'MANIFEST_UNKNOWN'
  | 'NAME_INVALID'
  | 'NAME_UNKNOWN'
  | 'SIZE_INVALID'
  | 'TAG_INVALID'
  | 'TOOMANYREQUESTS'
  | 'UNAUTHORIZED'
  | 'UNSUPPORTED'
  | 'UNKNOWN';

/** An error in the form of the registry protocol. */
export interface ProtocolError {
  status: number;
  code: ErrorCode;
  message: string;
  detail?: unknown;
  headers?: Record<string, string>;
}

/** Answers with an error. */
export function sendError(exchange: HttpExchange, error: ProtocolError): Promise<void> {
  const { status, code, message, detail, headers } = error;
  return exchange.sendJson(
    status,
    { errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] },
    headers,
  );
}

/** Digests, as ECR lists them in its messages. */
export function listDigests(digests: Digest[]): string {
  return `'[${digests.join(', ')}]'`;
}

/** The answer for a repository that does not exist. */
export function nameUnknown(context: RegistryContext, repository: string): ProtocolError {
  const message = `The repository with name '${repository}' does not exist in the registry with id '${context.accountId}'`;
  return { status: 404, code: 'NAME_UNKNOWN', message };
}

/** Answers that the address supports only these methods. */
export async function refuseMethod(exchange: HttpExchange, methods: string[]): Promise<void> {
  await sendError(exchange, {
    status: 405,
    code: 'UNSUPPORTED',
    message: `${exchange.method} is not supported here`,
    headers: { allow: methods.join(', ') },
  });
}

import { type OperationContext, RegistryError } from '../errors.ts';
import { isMetadataAddress, metadataRemedy } from './addresses.ts';
import type { Destination } from './redirects.ts';

/** The error for a redirect that is not followed. */
export function redirectRefused(
  context: OperationContext,
  status: number,
  { reason, internal }: Destination & { ok: false },
): RegistryError {
  return new RegistryError(context, {
    code: 'REDIRECT_REFUSED',
    status,
    reason,
    ...(internal !== undefined && {
      remedy: isMetadataAddress(internal.replace(/:\d+$/, ''))
        ? metadataRemedy
        : `if the registry keeps its content there, add it in mirror.yaml to this upstream: redirectHosts: [${JSON.stringify(internal)}]`,
    }),
  });
}

/** The error for a write that is redirected to a host that is not the registry's. */
export function writeRedirectRefused(context: OperationContext, status: number, url: URL): RegistryError {
  return new RegistryError(context, {
    code: 'REDIRECT_REFUSED',
    status,
    reason: `the registry redirects this request to another host, ${url.host}, but only reads may be redirected there`,
    remedy: `if that host is the registry’s and may see the credentials, add it to authHosts: [${JSON.stringify(url.host)}]`,
  });
}

/**
 * The registry redirects an upload to another location (307, 308), and the bytes are used up: start
 * again with a new read, and send it there directly.
 * https://github.com/opencontainers/distribution-spec/issues/607
 */
export class UploadMovedError extends RegistryError {
  /** Absolute; may be signed. */
  readonly location: string;

  constructor(context: OperationContext, status: number, url: URL) {
    const reason = `the registry answered ${status}: the upload continues at ${url.host}`;
    super(context, { code: 'UPLOAD_MOVED', status, reason, temporary: true });
    this.name = 'UploadMovedError';
    this.location = url.href;
  }
}

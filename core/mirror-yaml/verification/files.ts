import { resolve } from 'node:path';
import { fileFailure } from '../../config/file-failure.ts';
import { readAtMost } from '../../config/read-at-most.ts';
import type { Authority, Verification } from '../../config/verification.ts';
import { PublicKeyError, parsePublicKey } from '../../verify/public-key.ts';

/** A file that `verify` names can't be used. The message names the file and the reason. */
export class VerificationFileError extends Error {
  override readonly name = 'VerificationFileError';
}

const maxKeyBytes = 64 * 1024;
const maxRootBytes = 512 * 1024;

/**
 * Reads the keys and trusted roots that a rule's `verify` names.
 *
 * @param folder the folder that their names are relative to
 * @throws VerificationFileError
 */
export function readVerificationFiles(verification: Verification, folder: string): Verification {
  const requirements = verification.requirements.map((requirement) => ({
    ...requirement,
    authority: withFiles(requirement.authority, folder),
  }));
  return { ...verification, requirements };
}

function withFiles(authority: Authority, folder: string): Authority {
  if (authority.kind === 'key' && authority.file !== undefined)
    return { ...authority, publicKey: readKey(authority.file, folder) };
  if (authority.kind === 'keyless' && authority.trustedRootFile !== undefined)
    return { ...authority, trustedRoot: readTrustedRoot(authority.trustedRootFile, folder) };
  return authority;
}

/** A public key out of a file. @throws VerificationFileError */
export function readKey(file: string, folder: string): string {
  const text = readText(file, folder, maxKeyBytes, 'key');
  try {
    parsePublicKey(text);
  } catch (error) {
    if (!(error instanceof PublicKeyError)) throw error;
    throw new VerificationFileError(`the key file ${file} ${error.message}`, { cause: error });
  }
  return text;
}

/**
 * A trusted root out of a file. Only its outline is checked here: what it holds is checked when it
 * is used, since reading all of it would slow down every command that reads the configuration.
 *
 * @throws VerificationFileError
 */
export function readTrustedRoot(file: string, folder: string): string {
  const text = readText(file, folder, maxRootBytes, 'trusted root');
  if (!hasOutline(text))
    throw new VerificationFileError(
      `the file ${file} is not a Sigstore trusted root with a certificate authority; create one: cosign trusted-root create`,
    );
  return text;
}

function hasOutline(text: string): boolean {
  try {
    const root = JSON.parse(text) as { mediaType?: unknown; certificateAuthorities?: unknown } | null;
    const type = String(root?.mediaType);
    const authorities = root?.certificateAuthorities;
    return (
      type.startsWith('application/vnd.dev.sigstore.trustedroot') &&
      Array.isArray(authorities) &&
      authorities.length > 0
    );
  } catch {
    return false;
  }
}

function readText(file: string, folder: string, limit: number, what: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readAtMost(resolve(folder, file), limit + 1);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `can’t be read: ${fileFailure(error, file).reason}`;
    throw new VerificationFileError(`the ${what} file ${file} ${why}`, { cause: error });
  }
  if (bytes.length > limit)
    throw new VerificationFileError(`the ${what} file ${file} is larger than ${limit} bytes`);
  return Buffer.from(bytes).toString('utf8');
}

import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { fileFailure } from '../../core/config/file-failure.ts';
import { CommandError } from '../shared/command-error.ts';
import type { Log } from './log.ts';

/** A certificate with its chain, and its key, in PEM. */
export interface Certificate {
  cert: string;
  key: string;
}

/** Where a certificate is. */
export interface CertificateFiles {
  certFile: string;
  keyFile: string;
}

/** How often files are looked at. */
const lookMs = 2_000;

/** Reads a certificate. @throws CommandError if it can't be used */
export function readCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const certificate = { cert: readPem('--tls-cert', certFile), key: readPem('--tls-key', keyFile) };
  try {
    createSecureContext(certificate);
  } catch (error) {
    throw new CommandError(
      `the certificate in ${certFile} and the key in ${keyFile} can’t be used: ${(error as Error).message}`,
      'name a certificate in PEM with --tls-cert, and the key that belongs to it, without a passphrase, with --tls-key',
    );
  }
  return certificate;
}

function readPem(option: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`${option} ${file} can’t be read: ${reason}`, remedy);
  }
}

/**
 * Calls back with each new certificate in the files. While they don't fit together, the one before
 * stays in use.
 *
 * @returns a function that ends it
 */
export function followCertificate(
  files: CertificateFiles,
  first: Certificate,
  { use, log }: { use: (certificate: Certificate) => void; log: Log },
): () => void {
  let current = first;
  let problem = '';
  const look = () => {
    try {
      const next = readCertificate(files);
      problem = '';
      if (next.cert === current.cert && next.key === current.key) return;
      use(next);
      current = next;
      log('info', 'the certificate has changed');
    } catch (error) {
      const { message } = error as Error;
      if (message !== problem)
        log('error', 'the certificate can’t be read; the one before stays in use', { error });
      problem = message;
    }
  };
  const timer = setInterval(look, lookMs);
  return () => clearInterval(timer);
}

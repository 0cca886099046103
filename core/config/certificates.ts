import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileFailure } from './file-failure.ts';

/** A certificate file can't be used. The message names the file and the reason. */
export class CertificatesError extends Error {
  override readonly name = 'CertificatesError';
}

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * Reads the PEM certificates of a file; anything else in it (comments, keys) is ignored.
 *
 * @throws CertificatesError
 */
export function readCertificates(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'does not exist' : `can’t be read: ${fileFailure(error, file).reason}`;
    throw new CertificatesError(`the certificate file ${file} ${why}`, { cause: error });
  }
  const found = text.match(certificate) ?? [];
  if (found.length === 0) {
    throw new CertificatesError(
      `${file} holds no certificate; write PEM: -----BEGIN CERTIFICATE-----, base64, -----END CERTIFICATE-----`,
    );
  }
  found.forEach((pem, index) => {
    try {
      new X509Certificate(pem);
    } catch (error) {
      const place = found.length === 1 ? 'the certificate' : `certificate ${index + 1} of ${found.length}`;
      throw new CertificatesError(`${place} in ${file} is damaged`, { cause: error });
    }
  });
  return `${found.join('\n')}\n`;
}

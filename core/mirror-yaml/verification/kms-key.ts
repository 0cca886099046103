import { shown } from '../../config/fields.ts';

const arn = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key\/[\w-]{1,256}|alias\/[\w/-]{1,250})$/;
const alias = /^alias\/[\w/-]{1,250}$/;

/**
 * The key in a reference such as `awskms:///alias/signing`, as cosign writes it; undefined if it is
 * no reference to a key of AWS KMS.
 * https://docs.sigstore.dev/cosign/key_management/overview/
 */
export function kmsKeyOf(reference: string): string | undefined {
  return /^awskms:\/\/(.*)$/s.exec(reference)?.[1]?.replace(/^\//, '');
}

/** What is wrong with such a reference, and what to write; undefined if it is right. */
export function kmsKeyProblem(reference: string): string | undefined {
  if (!reference.startsWith('awskms:///'))
    return `${shown(reference)} names an endpoint; write three slashes: awskms:///alias/signing`;
  const key = kmsKeyOf(reference) ?? '';
  return arn.test(key) || alias.test(key)
    ? undefined
    : `${shown(reference)} is not a key of AWS KMS; write its ARN or its alias: awskms:///arn:aws:kms:eu-west-1:111122223333:key/… or awskms:///alias/signing`;
}

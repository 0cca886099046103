import type { Digest } from '../../core/oci/digest.ts';
import type { Verdict, VerifiedSignature } from '../../core/verify/verdict.ts';

/** What was verified. */
export interface VerifiedImage {
  image: string;
  digest: Digest;
  /** What requires the signatures. */
  by: string;
}

/** Prints a verdict: for people, or as one JSON object. */
export function printVerdict({ image, digest, by }: VerifiedImage, verdict: Verdict, json: boolean): void {
  if (json) {
    const { kind: state, ...rest } = verdict;
    const told = 'verified' in rest ? { signatures: rest.verified.signatures } : { reason: rest.reason };
    process.stdout.write(`${JSON.stringify({ image, digest, verdict: state, ...told })}\n`);
    return;
  }
  const text =
    verdict.kind === 'verified'
      ? [
          `verified: ${image} is signed as ${by} require${by.startsWith('the rule') ? 's' : ''}`,
          `  digest    ${digest}`,
          ...verdict.verified.signatures.flatMap(lines),
        ]
      : [`${verdict.kind}: ${verdict.reason}`];
  process.stdout.write(`${text.join('\n')}\n`);
}

function lines({ kind, by, manifest, predicateType, signedAt }: VerifiedSignature): string[] {
  return [
    `  ${kind === 'signature' ? 'signed' : 'attested'} by ${by}`,
    ...(predicateType === undefined ? [] : [`    type      ${predicateType}`]),
    `    at        ${signedAt ?? 'unknown: not recorded by a log or a timestamp authority'}`,
    `    manifest  ${manifest}`,
  ];
}

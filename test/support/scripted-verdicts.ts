import type { Digest } from '../../core/oci/digest.ts';
import type { ImageToVerify, Verdict, VerifiedSignature, VerifyImage } from '../../core/verify/verdict.ts';

/** Verdicts as a test tells them. Whatever it says nothing about is not signed. */
export class ScriptedVerdicts {
  readonly #verdicts = new Map<string, Verdict | Error>();
  /** What was asked, in order. */
  asked: ImageToVerify[] = [];

  /** From now on, the image is signed as required. */
  sign(digest: Digest, more: Partial<VerifiedSignature> = {}): void {
    const signature: VerifiedSignature = {
      kind: 'signature',
      by: 'key SHA256:abc',
      manifest: digest,
      ...more,
    };
    const verified = { digest, at: '2026-04-01T12:00:00.000Z', signatures: [signature] };
    this.say(digest, { kind: 'verified', verified });
  }

  say(digest: Digest, verdict: Verdict | Error): void {
    this.#verdicts.set(digest, verdict);
  }

  /** Its signature is gone. */
  forget(digest: Digest): void {
    this.#verdicts.delete(digest);
  }

  readonly verify: VerifyImage = async (image) => {
    this.asked.push(image);
    const verdict = this.#verdicts.get(image.digest);
    if (verdict instanceof Error) throw verdict;
    return verdict ?? { kind: 'missing', reason: 'no signature was found' };
  };
}

import { inParallel } from '../../async/in-parallel.ts';
import type { Digest } from '../../oci/digest.ts';
import { cosignTags } from '../../oci/signature-tags.ts';
import type { CallOptions, ImageSource } from '../ports.ts';
import { type FoundReferrers, type Referrer, type ReferrerFailure, referrerFailure } from './referrers.ts';

export interface FindReferrersOptions extends CallOptions {
  /**
   * The image itself is not mirrored as it is (a platform filter makes a different index of it).
   * Its referrers would refer to nothing; they only show whether its children are signed.
   */
  withoutRoot?: boolean;
  /** How many questions are asked at once. */
  concurrency?: number;
}

/** The most referrers taken for one image; a heavily signed one has a few dozen. */
const maxReferrers = 100;
/** Referrers are looked up for at most this many children: an index can name a thousand. */
const maxChildren = 100;
const defaultConcurrency = 8;

/**
 * One question: what the referrers API lists for a manifest, or what one of cosign's tags points
 * to.
 */
interface Question {
  subject: Digest;
  tag?: string;
}

/**
 * Finds what belongs to an image at its upstream: manifests that name it as their `subject`
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers; the
 * registry client reads the fallback tag if there is no such API), and what cosign keeps under tags
 * derived from the digest (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
 * Tags are checked with HEAD, which registries don't count as a pull.
 *
 * It may run while the image's blobs are being copied: failures are not thrown, but returned.
 *
 * @param subjects the image's digest, then the digests of the manifests below it.
 * @throws only the signal's reason.
 */
export async function findReferrers(
  source: ImageSource,
  subjects: Digest[],
  options: FindReferrersOptions = {},
): Promise<FoundReferrers> {
  const [root, ...children] = subjects;
  const search = new Search(source, subjects, options);
  if (root === undefined) return search.found();
  const ofRoot = await search.ask(questions(root), !options.withoutRoot);
  // Signing the children (`cosign sign --recursive`) signs the image, too. So for an unsigned image
  // only the root is checked, which saves four requests per child for nearly every image.
  if (ofRoot.length === 0) return search.found();
  if (children.length > maxChildren) {
    search.leaveOut(`it has ${children.length} manifests, and only the first ${maxChildren} were checked`);
  }
  const asked = children.slice(0, maxChildren);
  const second = await search.ask([
    ...asked.flatMap(questions),
    // A signature of an SBOM, for example. Referrers of these are not looked for.
    ...(options.withoutRoot ? [] : search.deeper(ofRoot)),
  ]);
  await search.ask(search.deeper(second.filter(({ subject }) => asked.includes(subject))));
  return search.found();
}

function questions(subject: Digest): Question[] {
  return [...cosignTags(subject).map((tag) => ({ subject, tag })), { subject }];
}

/** A search in progress: what was found so far, each once, and what was already asked. */
class Search {
  readonly #source: ImageSource;
  readonly #options: FindReferrersOptions;
  readonly #subjects: Set<Digest>;
  readonly #asked = new Set<Digest>();
  readonly #found: Referrer[] = [];
  readonly #listed = new Set<string>();
  /** One manifest may have several tags: children can share the same SBOM. */
  readonly #tagged = new Map<string, Referrer>();
  readonly #failures: ReferrerFailure[] = [];
  #cutOff = false;
  #isAnswered = false;
  #firstError: unknown;

  constructor(source: ImageSource, subjects: Digest[], options: FindReferrersOptions) {
    this.#source = source;
    this.#options = options;
    this.#subjects = new Set(subjects);
  }

  found(): FoundReferrers {
    const isUnanswered = !this.#isAnswered && this.#firstError !== undefined;
    return {
      referrers: this.#found,
      failures: this.#failures,
      ...(isUnanswered && { unanswered: this.#firstError }),
    };
  }

  /** Records that there may be more than was found. */
  leaveOut(reason: string): void {
    this.#failures.push({ code: 'TOO_MANY_REFERRERS', reason });
  }

  /**
   * The ones that may have referrers themselves and were not asked yet: only those with a `subject`
   * may.
   */
  deeper(referrers: Referrer[]): Question[] {
    const fresh = referrers.filter(({ digest, descriptor }) => descriptor && !this.#asked.has(digest));
    for (const { digest } of fresh) this.#asked.add(digest);
    return fresh.map(({ digest }) => ({ subject: digest }));
  }

  /** Asks some questions in parallel. @returns the new findings. */
  async ask(asked: Question[], keep = true): Promise<Referrer[]> {
    const answers = await inParallel(
      asked,
      this.#options.concurrency ?? defaultConcurrency,
      async (question, signal) => {
        try {
          const referrers = await this.#answer(question, signal);
          this.#isAnswered = true;
          return { referrers };
        } catch (error) {
          this.#options.signal?.throwIfAborted();
          this.#firstError ??= error;
          return { referrers: [], failure: referrerFailure(error) };
        }
      },
      this.#options.signal,
    );
    this.#failures.push(...answers.flatMap(({ failure }) => failure ?? []));
    const referrers = answers.flatMap((answer) => answer.referrers);
    return keep ? referrers.filter((referrer) => this.#keep(referrer)) : referrers;
  }

  async #answer({ subject, tag }: Question, signal: AbortSignal): Promise<Referrer[]> {
    if (tag !== undefined) {
      const digest = await this.#source.tagDigest?.(tag, { signal });
      return digest === undefined ? [] : [{ digest, subject, tag }];
    }
    const listed = (await this.#source.referrers?.(subject, { signal })) ?? [];
    // Manifests that are part of the image come with it anyway: BuildKit's attestations may name
    // their sibling as the subject.
    return listed
      .filter(({ digest }) => !this.#subjects.has(digest))
      .map((descriptor) => ({ digest: descriptor.digest, subject, descriptor }));
  }

  /** False if the referrer is already known, or exceeds the limit. */
  #keep(referrer: Referrer): boolean {
    const { digest, subject, tag, descriptor } = referrer;
    const tagged = this.#tagged.get(`${digest} ${subject}`);
    if (tag === undefined && tagged) {
      // Found both ways: a manifest put under its tag is also listed by its subject.
      tagged.descriptor = descriptor;
      return true;
    }
    if (tag === undefined && this.#listed.has(`${digest} ${subject}`)) return false;
    if (this.#found.length >= maxReferrers) {
      if (!this.#cutOff) this.leaveOut(`more than ${maxReferrers} are listed, and the others were left out`);
      this.#cutOff = true;
      return false;
    }
    this.#found.push(referrer);
    if (tag === undefined) this.#listed.add(`${digest} ${subject}`);
    else this.#tagged.set(`${digest} ${subject}`, referrer);
    return true;
  }
}

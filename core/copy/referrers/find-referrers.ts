import { inParallel } from '../../async/in-parallel.ts';
import type { Digest } from '../../oci/digest.ts';
import { cosignTags } from '../../oci/signature-tags.ts';
import type { CallOptions, ImageSource } from '../ports.ts';
import { type FoundReferrers, type Referrer, type ReferrerFailure, referrerFailure } from './referrers.ts';

export interface FindReferrersOptions extends CallOptions {
  /**
   * The image itself is not mirrored as it is (a platform filter makes another index of it): what
   * belongs to it would belong to nothing, and only tells whether its children are signed.
   */
  withoutRoot?: boolean;
  /** How many questions are under way at once. */
  concurrency?: number;
}

/** More than this are not taken of one image; a much signed one has some dozens. */
const maxReferrers = 100;
/**
 * Of more children than this it is not asked what belongs to them: an index can name a thousand.
 */
const maxChildren = 100;
const defaultConcurrency = 8;

/**
 * One question: what the referrers API lists of a manifest, or what one of cosign's tags points to.
 */
interface Question {
  subject: Digest;
  tag?: string;
}

/**
 * Finds what belongs to an image at its upstream: what names it as its `subject`
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers; the
 * registry client asks the fallback tag where there is no such API), and what cosign keeps under
 * tags made of the digest (https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md).
 * Tags are asked for by HEAD, which registries don't count as a pull.
 *
 * It may run while the image's blobs are copied: no failure is thrown, all are returned.
 *
 * @param subjects the image's digest, then those of the manifests below it.
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
  // Who signs the children (`cosign sign --recursive`) signs the image, too: of an unsigned image
  // only it is asked for, which saves four requests a child for nearly every image there is.
  if (ofRoot.length === 0) return search.found();
  if (children.length > maxChildren) {
    search.leaveOut(`it has ${children.length} manifests, and only the first ${maxChildren} were looked at`);
  }
  const asked = children.slice(0, maxChildren);
  const second = await search.ask([
    ...asked.flatMap(questions),
    // A signature of an SBOM, for example. What refers to those again is not looked for.
    ...(options.withoutRoot ? [] : search.deeper(ofRoot)),
  ]);
  await search.ask(search.deeper(second.filter(({ subject }) => asked.includes(subject))));
  return search.found();
}

function questions(subject: Digest): Question[] {
  return [...cosignTags(subject).map((tag) => ({ subject, tag })), { subject }];
}

/** A search under way: what was found so far, each once, and what was asked already. */
class Search {
  readonly #source: ImageSource;
  readonly #options: FindReferrersOptions;
  readonly #subjects: Set<Digest>;
  readonly #asked = new Set<Digest>();
  readonly #found: Referrer[] = [];
  readonly #listed = new Set<string>();
  /** One manifest may stand under several tags: children can have the same SBOM. */
  readonly #tagged = new Map<string, Referrer>();
  readonly #failures: ReferrerFailure[] = [];
  #cutOff = false;

  constructor(source: ImageSource, subjects: Digest[], options: FindReferrersOptions) {
    this.#source = source;
    this.#options = options;
    this.#subjects = new Set(subjects);
  }

  found(): FoundReferrers {
    return { referrers: this.#found, failures: this.#failures };
  }

  /** Notes that there may be more than what was found. */
  leaveOut(reason: string): void {
    this.#failures.push({ code: 'TOO_MANY_REFERRERS', reason });
  }

  /**
   * What of these may have referrers itself and was not asked for them: only those that have a
   * `subject` do.
   */
  deeper(referrers: Referrer[]): Question[] {
    const fresh = referrers.filter(({ digest, descriptor }) => descriptor && !this.#asked.has(digest));
    for (const { digest } of fresh) this.#asked.add(digest);
    return fresh.map(({ digest }) => ({ subject: digest }));
  }

  /** Asks some questions at once. @returns what was found by them, and is new. */
  async ask(asked: Question[], keep = true): Promise<Referrer[]> {
    const answers = await inParallel(
      asked,
      this.#options.concurrency ?? defaultConcurrency,
      async (question, signal) => {
        try {
          return { referrers: await this.#answer(question, signal) };
        } catch (error) {
          this.#options.signal?.throwIfAborted();
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
    // What is part of the image already comes with it: BuildKit's attestations may name their
    // sibling as the subject.
    return listed
      .filter(({ digest }) => !this.#subjects.has(digest))
      .map((descriptor) => ({ digest: descriptor.digest, subject, descriptor }));
  }

  /** False for what is known already, or too much. */
  #keep(referrer: Referrer): boolean {
    const { digest, subject, tag, descriptor } = referrer;
    const tagged = this.#tagged.get(`${digest} ${subject}`);
    if (tag === undefined && tagged) {
      // Found both ways: what is put under its tag is listed by its subject as well.
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

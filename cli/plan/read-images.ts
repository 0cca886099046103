import { applyPlatforms, type PlanDestination, plan } from '../../core/copy/plan.ts';
import { RegistryRepository } from '../../core/copy/registry-repository.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { parsePlatform } from '../../core/oci/platform.ts';
import type { StorageCount } from '../../core/reconcile/storage.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import { imagesAtOnce, type Outcome, sideBySide } from '../copy/side-by-side.ts';
import type { Explain } from '../sync/explain.ts';
import { clientOf, type SyncImage } from '../sync/find-images.ts';
import { HeldRepository } from '../sync/held-repository.ts';
import type { Upstreams } from '../sync/upstreams.ts';
import { AskedRepository, noRepository, type PlanMirror, tagsOf } from './mirror.ts';

/** What reading images works with. */
export interface ReadContext {
  upstreams: Upstreams;
  mirror: PlanMirror;
  explain: Explain;
  signal: AbortSignal;
  /** Counts what the images consist of. */
  storage: StorageCount;
  /** Called as the work goes on. */
  tell(done: number, all: number, what: string): void;
}

/** A tag on both sides. */
interface TagPair {
  source: Digest;
  /** What the mirror's tag points to; absent: there is none. */
  held?: Digest | undefined;
}

/** An image, the tags that point to it, and what the mirror has of it. */
export interface ReadImage {
  tags: { image: SyncImage; held?: Digest | undefined }[];
  digest: Digest;
}

/** An image that was read. */
export interface PlannedImage {
  /** What the mirror's tags would point to: after a platform filter, another digest. */
  digest: Digest;
}

/** What became of each tag, and of each image. */
export interface ReadImages {
  tags: Map<SyncImage, Outcome<TagPair>>;
  images: Map<ReadImage, Outcome<PlannedImage>>;
}

/**
 * Reads what images consist of: those that the mirror has from there, the others upstream. Each
 * image is read once, however many tags point to it.
 *
 * @throws InterruptedError
 */
export async function readImages(found: readonly SyncImage[], context: ReadContext): Promise<ReadImages> {
  const mirror = new MirrorRepositories(context.mirror, context.signal);
  const tags = await eachOf(found, (image) => compareTags(image, mirror, context), {
    what: 'tags compared',
    repositoryOf: (image) => image,
    context,
  });
  const byImage = new Map<string, ReadImage>();
  for (const [image, outcome] of tags) {
    if (outcome.outcome !== 'done') continue;
    const { source, held } = outcome.result;
    const key = `${image.src.registry}/${image.src.repository}@${source}`;
    const same = byImage.get(key) ?? { tags: [], digest: source };
    byImage.set(key, same);
    same.tags.push({ image, held });
  }
  const images = await eachOf([...byImage.values()], (each) => readImage(each, mirror, context), {
    what: 'images read',
    repositoryOf: ({ tags: [first] }) => (first as ReadImage['tags'][number]).image,
    context,
  });
  return { tags, images };
}

async function compareTags(
  { upstream, src, dst, tag, sourceDigest }: SyncImage,
  mirror: MirrorRepositories,
  { upstreams, signal }: ReadContext,
): Promise<TagPair> {
  const repository = new RegistryRepository(clientOf(upstreams, upstream), src.registry, src.repository);
  const [source, held] = await Promise.all([
    sourceDigest ?? repository.tagDigest(tag, { signal }),
    mirror.tagDigest(dst.repository, tag),
  ]);
  if (source !== undefined) return { source, held };
  throw new RegistryError(
    {
      side: 'upstream',
      registry: src.registry,
      operation: 'get manifest',
      repository: src.repository,
      reference: tag,
    },
    { code: 'MANIFEST_UNKNOWN', reason: 'the tag is listed, but does not exist', status: 404 },
  );
}

async function readImage(
  { tags, digest }: ReadImage,
  mirror: MirrorRepositories,
  { upstreams, storage, signal }: ReadContext,
): Promise<PlannedImage> {
  const [first] = tags;
  if (first === undefined) throw new Error('an image has no tag');
  const { upstream, src, dst, rule } = first.image;
  const isHeld = (wanted: Digest) => tags.some(({ held }) => held === wanted);
  const fromMirror = async (wanted: Digest) => {
    const held = mirror.held(dst.repository);
    storage.add(dst.repository, await plan(held, held, wanted, { signal }), true);
    return { digest: wanted };
  };
  const platforms = rule.platforms?.map(parsePlatform) ?? [];
  if (platforms.length === 0 && isHeld(digest)) return await fromMirror(digest);
  const source = new RegistryRepository(clientOf(upstreams, upstream), src.registry, src.repository);
  const root = await source.manifest(digest, { signal });
  const wanted = applyPlatforms(source, root, platforms);
  if (isHeld(wanted.digest)) return await fromMirror(wanted.digest);
  const destination = await mirror.asked(dst.repository);
  const image = await plan(source, destination, root, { platforms, signal, ask: true });
  storage.add(dst.repository, image, false);
  return { digest: image.root.digest };
}

interface EachOptions<I> {
  /** What is done with them. */
  what: string;
  /** The image whose registry and repository it is of. */
  repositoryOf(item: I): SyncImage;
  context: ReadContext;
}

/** Works on each, side by side, and tells how far that is. */
async function eachOf<I, T>(
  items: readonly I[],
  work: (item: I) => Promise<T>,
  { what, repositoryOf, context }: EachOptions<I>,
): Promise<Map<I, Outcome<T>>> {
  const { upstreams, mirror, explain, signal, tell } = context;
  const outcomes = new Map<I, Outcome<T>>();
  await sideBySide<I, T>(
    items,
    async (item) => {
      try {
        return { outcome: 'done', result: await work(item) };
      } catch (error) {
        throw signal.aborted ? error : explain(error);
      }
    },
    {
      parallel: imagesAtOnce(undefined, [...upstreams.values(), ...(mirror.client ? [mirror.client] : [])]),
      signal,
      groupOf: (item) => {
        const { registry, repository } = repositoryOf(item).src;
        return { registry, repository: `${registry}/${repository}` };
      },
      told(outcome, item) {
        outcomes.set(item, outcome);
        tell(outcomes.size, items.length, what);
      },
    },
  );
  return outcomes;
}

/** The mirror's repositories; each is listed once. */
class MirrorRepositories {
  readonly #mirror: PlanMirror;
  readonly #signal: AbortSignal;
  readonly #tags = new Map<string, Promise<Set<string> | undefined>>();
  readonly #asked = new Map<string, AskedRepository>();

  constructor(mirror: PlanMirror, signal: AbortSignal) {
    this.#mirror = mirror;
    this.#signal = signal;
  }

  async tagDigest(repository: string, tag: string): Promise<Digest | undefined> {
    if (!(await this.#tagsOf(repository))?.has(tag)) return undefined;
    return await this.held(repository).tagDigest(tag, { signal: this.#signal });
  }

  held(repository: string): HeldRepository {
    const { client } = this.#mirror;
    if (client === undefined) throw new Error('no mirror was opened');
    return new HeldRepository(client, client.registry, repository);
  }

  /** The repository as a destination, to be asked for blobs. */
  async asked(repository: string): Promise<PlanDestination> {
    const { client } = this.#mirror;
    if (client === undefined || (await this.#tagsOf(repository)) === undefined)
      return noRepository(repository);
    const asked = this.#asked.get(repository) ?? new AskedRepository(client, client.registry, repository);
    this.#asked.set(repository, asked);
    return asked;
  }

  #tagsOf(repository: string): Promise<Set<string> | undefined> {
    const { client } = this.#mirror;
    const listed =
      this.#tags.get(repository) ??
      (client ? tagsOf(client, repository, this.#signal) : Promise.resolve(undefined));
    this.#tags.set(repository, listed);
    return listed;
  }
}

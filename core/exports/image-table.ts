import { imageKey, isDigestKey, type Mapping } from '../mapping/record.ts';
import { parseReference } from '../oci/reference.ts';

/** The images of one upstream repository, as the admission policy looks them up. */
export interface RepositoryImages {
  /** `docker.io/library/nginx` */
  repository: string;
  /** The mirror's repository, with its registry. */
  mirror: string;
  /** `1.27=sha256:<hex>` each, the newest first. */
  entries: string[];
}

interface Entry {
  reference: string;
  digest: string;
  mirroredAt: string;
}

/**
 * The mappings by upstream repository, in the order of their names. An entry has the tag, and the
 * digest that the mirror holds. A digest that is mapped has an entry of its own only if no tag
 * points to it: whoever looks a digest up finds it behind the tag.
 *
 * A repository is listed with the mirror's repository of its newest mapping; what is mapped to
 * another one is left out. So are digests other than sha256.
 */
export async function imageTable(mappings: AsyncIterable<Mapping>): Promise<RepositoryImages[]> {
  const found = new Map<string, Map<string, Entry[]>>();
  for await (const { image, pinned, digest, mirroredAt = '' } of mappings) {
    if (!digest.startsWith('sha256:')) continue;
    const key = imageKey(parseReference(image));
    // A reference by digest is never answered with another digest.
    if (isDigestKey(key) && key.reference !== digest) continue;
    const repository = `${key.registry}/${key.repository}`;
    const mirror = pinned.slice(0, pinned.indexOf('@'));
    const mirrors = found.get(repository) ?? new Map<string, Entry[]>();
    const entries = mirrors.get(mirror) ?? [];
    entries.push({ reference: key.reference, digest, mirroredAt });
    found.set(repository, mirrors.set(mirror, entries));
  }
  return [...found]
    .sort(([a], [b]) => compare(a, b))
    .map(([repository, mirrors]) => {
      const [newest] = [...mirrors]
        .map(([mirror, entries]) => ({ mirror, entries: entries.sort(byAge) }))
        .sort((a, b) => byAge(a.entries[0] as Entry, b.entries[0] as Entry) || compare(a.mirror, b.mirror));
      return { repository, mirror: newest?.mirror ?? '', entries: texts(newest?.entries ?? []) };
    });
}

/** The value of a repository: `<mirror's repository>,1.27=sha256:<hex>,latest=sha256:<hex>,` */
export function tableValue({ mirror, entries }: Pick<RepositoryImages, 'mirror' | 'entries'>): string {
  return `${mirror},${entries.map((entry) => `${entry},`).join('')}`;
}

function texts(entries: readonly Entry[]): string[] {
  const tagged = new Set(
    entries.filter(({ reference }) => !reference.includes(':')).map(({ digest }) => digest),
  );
  return entries
    .filter(({ reference }) => !reference.includes(':') || !tagged.has(reference))
    .map(({ reference, digest }) => `${reference}=${digest}`);
}

function byAge(a: Entry, b: Entry): number {
  return compare(b.mirroredAt, a.mirroredAt) || compare(a.reference, b.reference);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

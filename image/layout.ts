import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError } from '../cli/shared/command-error.ts';
import type { CallOptions, ImageDestination, OpenedUpload } from '../core/copy/ports.ts';
import type { Descriptor } from '../core/oci/descriptor.ts';
import { type Digest, isDigest } from '../core/oci/digest.ts';
import type { Manifest } from '../core/oci/manifest.ts';

/** Which tag an entry of index.json is. */
const refName = 'org.opencontainers.image.ref.name';

interface LayoutIndex {
  schemaVersion: 2;
  manifests: { mediaType: string; digest: Digest; size: number; annotations?: Record<string, string> }[];
}

/**
 * An OCI layout in a folder, as a destination of copies. A blob gets its name when it is complete.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
 */
export class LayoutDestination implements ImageDestination {
  readonly name: string;
  readonly #folder: string;

  /** @throws CommandError if the folder holds something else */
  constructor(folder: string) {
    this.name = folder;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length > 0 && !existsSync(join(folder, 'oci-layout')))
      throw new CommandError(
        `${folder} is neither empty nor an OCI layout`,
        'name another folder: --output FOLDER',
      );
    mkdirSync(join(folder, 'blobs/sha256'), { recursive: true });
    this.#write('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  }

  async presentBlobs(blobs: Descriptor[]): Promise<Set<Digest>> {
    const isThere = ({ digest, size }: Descriptor) =>
      statSync(this.#file(digest), { throwIfNoEntry: false })?.size === size;
    return new Set(blobs.filter(isThere).map(({ digest }) => digest));
  }

  async openUpload({ digest }: Descriptor): Promise<OpenedUpload> {
    const file = this.#file(digest);
    const partial = `${file}.partial`;
    const write = async (body: AsyncIterable<Uint8Array>, { signal }: CallOptions = {}) => {
      await pipeline(body, createWriteStream(partial), { signal });
      renameSync(partial, file);
    };
    const cancel = async () => rmSync(partial, { force: true });
    return { kind: 'session', upload: { write, cancel } };
  }

  /** Under a tag, it takes the place of what had that tag. */
  async putManifest({ mediaType, digest, bytes }: Manifest, reference: string): Promise<void> {
    this.#write(this.#path(digest), bytes);
    if (isDigest(reference)) return;
    const others = this.#index().manifests.filter(({ annotations }) => annotations?.[refName] !== reference);
    const entry = { mediaType, digest, size: bytes.byteLength, annotations: { [refName]: reference } };
    const index: LayoutIndex = { schemaVersion: 2, manifests: [...others, entry] };
    this.#write('index.json', JSON.stringify(index));
  }

  async tagDigest(tag: string): Promise<Digest | undefined> {
    return this.#index().manifests.find(({ annotations }) => annotations?.[refName] === tag)?.digest;
  }

  async readBlob({ digest }: Descriptor): Promise<Uint8Array> {
    return readFileSync(this.#file(digest));
  }

  #index(): LayoutIndex {
    const file = join(this.#folder, 'index.json');
    if (!existsSync(file)) return { schemaVersion: 2, manifests: [] };
    return JSON.parse(readFileSync(file, 'utf8'));
  }

  #path(digest: Digest): string {
    return join('blobs', ...digest.split(':'));
  }

  #file(digest: Digest): string {
    return join(this.#folder, this.#path(digest));
  }

  #write(path: string, content: string | Uint8Array): void {
    const file = join(this.#folder, path);
    writeFileSync(`${file}.partial`, content);
    renameSync(`${file}.partial`, file);
  }
}

import { createHash } from 'node:crypto';
import { inParallel } from '../../core/async/in-parallel.ts';

/** Pulls images as a node does, and says what is wrong with them. Each digest is pulled once. */
export class Puller {
  readonly #endpoint: string;
  readonly #pulled = new Map<string, Promise<string[]>>();

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** How many blobs and manifests were pulled. */
  get count(): number {
    return this.#pulled.size;
  }

  /** What is wrong with an image, by tag or digest, and with everything below it. */
  async pull(repository: string, reference: string, digest: string): Promise<string[]> {
    const byTag = await this.#manifest(repository, reference, digest);
    return reference === digest ? byTag : [...byTag, ...(await this.#manifest(repository, digest, digest))];
  }

  #manifest(repository: string, reference: string, digest: string): Promise<string[]> {
    return this.#once(`${repository}/manifests/${reference}`, digest, async (body) => {
      const {
        manifests = [],
        config,
        layers = [],
      } = JSON.parse(body.toString('utf8')) as Partial<
        Record<'manifests' | 'layers', { digest: string }[]> & { config: { digest: string } }
      >;
      const problems = await inParallel(manifests, 4, (child) =>
        this.#manifest(repository, child.digest, child.digest),
      );
      const blobs = [...(config ? [config] : []), ...layers];
      problems.push(
        ...(await inParallel(blobs, 4, (blob) =>
          this.#once(`${repository}/blobs/${blob.digest}`, blob.digest, async () => []),
        )),
      );
      return problems.flat();
    });
  }

  #once(path: string, digest: string, below: (body: Buffer) => Promise<string[]>): Promise<string[]> {
    const before = this.#pulled.get(path);
    if (before) return before;
    const pulled = this.#get(path, digest, below);
    this.#pulled.set(path, pulled);
    return pulled;
  }

  async #get(path: string, digest: string, below: (body: Buffer) => Promise<string[]>): Promise<string[]> {
    const answer = await fetch(`${this.#endpoint}/v2/${path}`, { headers: { accept: '*/*' } });
    const body = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) return [`${path} is answered ${answer.status}`];
    const found = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    return found === digest ? await below(body) : [`${path} has the content ${found}, not ${digest}`];
  }
}

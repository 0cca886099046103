import { spawn } from 'node:child_process';
import {
  formatFamiliar,
  formatReference,
  InvalidReferenceError,
  parseReference,
} from '../../core/oci/reference.ts';
import type { ApiAddress } from '../api/client.ts';
import { ImageCache } from './image-cache.ts';

/** Somebody waits with a finger on the Tab key: after this time since its start, it answers. */
const deadlineMs = 250;
/** Names this old are used without asking. */
const freshMs = 60_000;
/** In the background, reading the names may take this long. */
const refreshMs = 20_000;
/** The most names that are kept, the API's largest page, and the most that are offered at once. */
const maxNames = 10_000;
const pageSize = 1_000;
const maxOffered = 500;

/**
 * `drayage complete images WORD`: prints the mirrored images that begin with the word, one on a
 * line. It answers with what is known after a quarter of a second, and says nothing about errors:
 * nobody could read them in the middle of a line.
 */
export async function completeImages(word: string): Promise<void> {
  await quietly(async () => {
    const address = addressFrom(process.env);
    if (address === undefined) return;
    const cache = cacheOf(address);
    const known = cache.read();
    const isFresh = known !== undefined && Date.now() - known.at < freshMs;
    const images = isFresh ? known.images : ((await firstImages(address, cache)) ?? known?.images ?? []);
    process.stdout.write(
      offered(images, word)
        .map((image) => `${image}\n`)
        .join(''),
    );
  });
}

/** Reads all names in the background, for the next time. */
export async function refreshImages(): Promise<void> {
  await quietly(async () => {
    const address = addressFrom(process.env);
    if (address === undefined) return;
    const { DrayageApi } = await import('../api/client.ts');
    const api = new DrayageApi(address, AbortSignal.timeout(refreshMs));
    const images: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await api.mappings({ limit: pageSize, cursor });
      images.push(...page.mappings.map(({ image }) => image));
      cursor = page.cursor;
    } while (cursor !== undefined && images.length < maxNames);
    cacheOf(address).write({ at: Date.now(), images: images.filter(isImage) });
  });
}

/**
 * The names, if they are few and the API is near; otherwise they are read in the background. This
 * process can't wait, and even loading our own client takes longer than a near API's answer: only
 * the background uses it, and with it proxies and certificate authorities.
 */
async function firstImages(address: ApiAddress, cache: ImageCache): Promise<string[] | undefined> {
  const url = `${address.api}/v1/mappings?limit=${pageSize}`;
  const headers = address.token === undefined ? {} : { authorization: `Bearer ${address.token}` };
  const left = Math.max(1, deadlineMs - performance.now());
  try {
    if (needsSettings(process.env)) throw new TypeError('only our client knows proxies');
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(left) });
    const { mappings, cursor } = (await response.json()) as {
      mappings: { image: string }[];
      cursor?: string;
    };
    const images = mappings.map(({ image }) => image).filter(isImage);
    if (cursor !== undefined) startRefresh(cache);
    else cache.write({ at: Date.now(), images });
    return images;
  } catch {
    startRefresh(cache);
    return undefined;
  }
}

function needsSettings(env: NodeJS.ProcessEnv): boolean {
  return ['HTTPS_PROXY', 'HTTP_PROXY', 'https_proxy', 'http_proxy', 'SSL_CERT_FILE'].some(
    (name) => env[name],
  );
}

function startRefresh(cache: ImageCache): void {
  if (!cache.takeTurn(refreshMs, Date.now())) return;
  const [, program = ''] = process.argv;
  spawn(process.execPath, [program, 'complete', 'images', '--refresh'], {
    detached: true,
    stdio: 'ignore',
  }).unref();
}

function cacheOf({ api, token = '' }: ApiAddress): ImageCache {
  return new ImageCache(`${api}\n${token}`, process.env);
}

/** @returns undefined if no API is configured, or not as one writes it */
function addressFrom({ DRAYAGE_API, DRAYAGE_TOKEN }: NodeJS.ProcessEnv): ApiAddress | undefined {
  const url = URL.parse(DRAYAGE_API ?? '');
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  return { api: `${url.origin}${url.pathname}`.replace(/\/+$/, ''), token: DRAYAGE_TOKEN || undefined };
}

/** The images that begin with the word, in the short form of Docker where the word is one. */
function offered(images: readonly string[], word: string): string[] {
  const forms = images.filter(isImage).flatMap((image) => {
    const reference = parseReference(image);
    return (
      [formatReference(reference), formatFamiliar(reference)].find((form) => form.startsWith(word)) ?? []
    );
  });
  return [...new Set(forms)].sort().slice(0, maxOffered);
}

/** Whether a name is one that a shell may see: nothing else gets into a line. */
function isImage(text: unknown): text is string {
  try {
    return typeof text === 'string' && parseReference(text) !== undefined;
  } catch (error) {
    if (error instanceof InvalidReferenceError) return false;
    throw error;
  }
}

async function quietly(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch {
    // Nothing to complete is all that a shell can be told.
    process.exitCode = 1;
  }
}

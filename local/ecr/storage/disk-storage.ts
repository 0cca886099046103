import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestAlgorithm } from '../../../core/oci/digest.ts';
import type { BlobStore, RegistryStorage } from './blob-store.ts';
import { DiskPartialBlob } from './disk-partial-blob.ts';
import { openDiskRecords } from './disk-records.ts';
import { writeAtomically } from './write-atomically.ts';

/**
 * Bytes per read: large enough to make the cost of a read negligible, small enough for many
 * readers.
 */
const readSize = 512 * 1024;

/**
 * Everything in one folder, which is created if missing:
 *
 *     blobs/<algorithm>/<two digits>/<hex>   content by digest
 *     uploads/<uuid>                         blobs that are being received
 *     records/<sha256 of key>.json           repositories, tags …
 *     temporary/                             files on their way; emptied at the start
 *
 * A file gets its name only by a rename, so that a process killed at any moment leaves
 * whole files. File names are made of checked digests, UUIDs and hashes: nothing that a client
 * sends becomes a path. One process at a time may use a folder.
 */
export async function diskStorage(folder: string): Promise<RegistryStorage> {
  const temporary = join(folder, 'temporary');
  await rm(temporary, { recursive: true, force: true });
  for (const name of ['blobs', 'uploads', 'records', 'temporary']) {
    await mkdir(join(folder, name), { recursive: true });
  }
  return {
    blobs: diskBlobs(folder, temporary),
    records: openDiskRecords(join(folder, 'records'), temporary),
  };
}

function diskBlobs(folder: string, temporary: string): BlobStore {
  const blobPath = (digest: Digest): string => {
    const hex = digest.slice(digest.indexOf(':') + 1);
    return join(folder, 'blobs', digestAlgorithm(digest), hex.slice(0, 2), hex);
  };
  const uploadPath = (id: string): string => join(folder, 'uploads', id);
  return {
    async create(id) {
      await writeFile(uploadPath(id), '', { flag: 'wx' });
      return new DiskPartialBlob(uploadPath(id), 0, blobPath);
    },
    async reopen(id, length) {
      const path = uploadPath(id);
      const found = await stat(path).catch(() => undefined);
      if (found === undefined || found.size < length) return undefined;
      await truncate(path, length);
      return new DiskPartialBlob(path, length, blobPath);
    },
    async discardPartials(except) {
      for (const name of await readdir(join(folder, 'uploads'))) {
        if (!except.has(name)) await rm(uploadPath(name), { force: true });
      }
    },
    async put(digest, bytes) {
      await writeAtomically(blobPath(digest), bytes, temporary);
    },
    async read(digest, range) {
      const file = await open(blobPath(digest), 'r');
      return createReadStream('', { fd: file, highWaterMark: readSize, ...range });
    },
    async remove(digest) {
      await rm(blobPath(digest), { force: true });
    },
  };
}

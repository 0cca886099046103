import { basename } from 'node:path';
import { Header, type HeaderData, Pax } from 'tar';
import type { LayerFile } from './layer-files.ts';

const blockBytes = 512;
/**
 * The time that npm gives every file in a package: zip has no times before 1980, in any time zone.
 */
const fixedTime = new Date('1985-10-26T08:15:00.000Z');

/**
 * A tar archive of the files in the given order. The same files give the same bytes: the archive
 * has no owners, and one fixed time for all files.
 */
export function* tarball(files: Iterable<LayerFile>): Generator<Buffer> {
  for (const file of files) {
    const content = file.read?.() ?? new Uint8Array();
    yield header(file, content.byteLength);
    if (content.byteLength === 0) continue;
    yield Buffer.from(content.buffer, content.byteOffset, content.byteLength);
    yield Buffer.alloc(-content.byteLength & (blockBytes - 1));
  }
  yield Buffer.alloc(2 * blockBytes);
}

function header(file: LayerFile, size: number): Buffer {
  const fields: HeaderData = {
    path: file.kind === 'Directory' ? `${file.path}/` : file.path,
    mode: file.mode,
    type: file.kind,
    size,
    mtime: fixedTime,
    linkpath: file.target,
  };
  const plain = new Header(fields);
  const block = Buffer.alloc(blockBytes);
  plain.encode(block, 0);
  if (!plain.needPax) return block;
  // A path that is too long for the plain header goes into a header of its own before it.
  const extended = new Pax({ path: fields.path, linkpath: fields.linkpath, mtime: fixedTime }).encode();
  const short = new Header({ ...fields, path: basename(file.path).slice(0, 99) });
  short.encode(block, 0);
  return Buffer.concat([extended, block]);
}

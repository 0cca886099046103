import { createCipheriv, createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** The smallest layer that is a real gzip-compressed tar file; anything smaller is plain bytes. */
export const smallestGzipLayer = 2071;

/**
 * The same `size` bytes for the same seed, on every machine: an AES-CTR key stream, so a gigabyte
 * takes about a second.
 * @param seed any text
 * @param size bytes
 */
export function seededBytes(seed: string, size: number): Uint8Array {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const bytes = cipher.update(Buffer.alloc(size));
  cipher.final();
  return bytes;
}

/** A layer as a client uploads it, with the digest input of its uncompressed form. */
export interface SeededLayer {
  /** What the registry stores. */
  bytes: Uint8Array;
  /** The uncompressed tar file (the same bytes where `gzip` is false). */
  tar: Uint8Array;
  gzip: boolean;
}

/**
 * A layer of exactly `size` bytes. From {@link smallestGzipLayer} on it is a tar file with one file
 * in a gzip of stored blocks (RFC 1951 §3.2.4). Clients that look into layers (skopeo compresses
 * what is not compressed) therefore do not change it.
 */
export function seededLayer(seed: string, size: number): SeededLayer {
  if (size < smallestGzipLayer) {
    const bytes = seededBytes(seed, size);
    return { bytes, tar: bytes, gzip: false };
  }
  let contentSize = Math.floor((size - 18 - 1536) / 512) * 512;
  while (gzipSize(contentSize + 1536) > size) contentSize -= 512;
  const name = `layer-${createHash('sha256').update(seed).digest('hex').slice(0, 12)}`;
  const tar = tarOf(name, seededBytes(seed, contentSize));
  return { bytes: storedGzip(tar, size - gzipSize(tar.length)), tar, gzip: true };
}

/** Header, one 5-byte head for each stored block, trailer (RFC 1952 §2.3). */
function gzipSize(tarSize: number): number {
  return 18 + 5 * Math.ceil(tarSize / 65_535) + tarSize;
}

/** A POSIX ustar archive with one file whose size is a multiple of 512. */
function tarOf(name: string, content: Uint8Array): Uint8Array {
  const tar = Buffer.alloc(512 + content.length + 1024);
  tar.write(name, 0, 'latin1');
  tar.write('0000644\0', 100, 'latin1');
  tar.write('0000000\0', 108, 'latin1');
  tar.write('0000000\0', 116, 'latin1');
  tar.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  tar.write('00000000000\0', 136, 'latin1');
  tar.write('        ', 148, 'latin1');
  tar.write('0', 156, 'latin1');
  tar.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of tar.subarray(0, 512)) sum += byte;
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  tar.set(content, 512);
  return tar;
}

/**
 * A gzip of stored blocks; `slack` more bytes go into the header's comment, to meet a size exactly.
 */
function storedGzip(tar: Uint8Array, slack: number): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from([0x1f, 0x8b, 8, slack > 0 ? 0x10 : 0, 0, 0, 0, 0, 0, 255])];
  if (slack > 0) parts.push(Buffer.from(`${'.'.repeat(slack - 1)}\0`, 'latin1'));
  for (let start = 0; start < tar.length; start += 65_535) {
    const block = tar.subarray(start, start + 65_535);
    const head = Buffer.alloc(5);
    head.writeUInt8(start + 65_535 >= tar.length ? 1 : 0, 0);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(~block.length & 0xffff, 3);
    parts.push(head, block);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(tar), 0);
  trailer.writeUInt32LE(tar.length % 2 ** 32, 4);
  return Buffer.concat([...parts, trailer]);
}

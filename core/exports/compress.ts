import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createGzip } from 'node:zlib';

/** A text, compressed. */
export interface CompressedText {
  gzip: Uint8Array;
  /** The size of the text itself, in bytes. */
  textBytes: number;
}

/** Text is compressed in pieces of about this many characters. */
const pieceLength = 64 * 1024;

/** Compresses a text that comes in pieces; only its compressed form is ever whole in memory. */
export async function compress(pieces: AsyncIterable<string>): Promise<CompressedText> {
  let textBytes = 0;
  async function* gathered(): AsyncGenerator<Buffer> {
    let text = '';
    for await (const piece of pieces) {
      text += piece;
      if (text.length < pieceLength) continue;
      yield counted(text);
      text = '';
    }
    yield counted(text);
  }
  const counted = (text: string): Buffer => {
    const bytes = Buffer.from(text);
    textBytes += bytes.byteLength;
    return bytes;
  };
  const source = Readable.from(gathered());
  const gzip = createGzip();
  source.on('error', (error) => gzip.destroy(error));
  return { gzip: await buffer(source.pipe(gzip)), textBytes };
}

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** An export, and where it came from. */
export interface KeptExport {
  text: string;
  etag?: string | undefined;
  /** When it was fetched, ISO 8601. */
  fetchedAt: string;
}

const fileName = 'mapping.export';
const pieceLength = 1024 * 1024;

/**
 * The export that was kept in a folder; undefined if there is none, or one of another source.
 *
 * @param source the API and the region that it has to be of
 */
export async function readKept(folder: string, source: string): Promise<KeptExport | undefined> {
  let content: string;
  try {
    content = await readFile(join(folder, fileName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const end = content.indexOf('\n');
  const head = parseHead(content.slice(0, Math.max(end, 0)));
  return head?.source === source
    ? { text: content.slice(end + 1), etag: head.etag, fetchedAt: head.fetchedAt }
    : undefined;
}

/** Keeps an export: after a crash, the folder has it or the one before. */
export async function keep(folder: string, source: string, kept: KeptExport): Promise<void> {
  const { text, etag, fetchedAt } = kept;
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `${fileName}.draft`);
  // One that a crash has left.
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify({ source, etag, fetchedAt })}\n`);
    // In pieces: as a whole, it would be one more copy in memory.
    for (let at = 0; at < text.length; at += pieceLength)
      await file.writeFile(text.slice(at, at + pieceLength));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, join(folder, fileName));
}

function parseHead(line: string): { source: string; etag?: string; fetchedAt: string } | undefined {
  try {
    const { source, etag, fetchedAt } = (JSON.parse(line) ?? {}) as Record<string, unknown>;
    if (typeof source !== 'string' || typeof fetchedAt !== 'string') return undefined;
    return { source, fetchedAt, ...(typeof etag === 'string' && { etag }) };
  } catch {
    return undefined;
  }
}

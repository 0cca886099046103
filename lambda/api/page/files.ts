import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** A file of the status page, as it is sent. */
export interface PageFile {
  contentType: string;
  /** Weak, since the bytes differ by content coding. */
  etag: string;
  text: string;
}

/** The files of the status page. */
export interface PageFiles {
  /** Changes with any of the files, so that a browser may keep what an address with it holds. */
  version: string;
  /** By name. */
  files: ReadonlyMap<string, PageFile>;
}

/** The file that `GET /` answers with; the others are below `/web/{version}/`. */
export const shellName = 'index.html';

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Beside the bundle of a deployed function, or `web/` of the repository. */
function pageFolder(): URL {
  const beside = new URL('./web/', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../../web/', import.meta.url);
}

/**
 * Reads the files of the status page. In the shell, `web/` becomes `web/{version}/`, so the
 * addresses of all others change with their content, also those that modules import.
 */
export function readPageFiles(folder: URL = pageFolder()): PageFiles {
  const texts = readdirSync(folder)
    .sort()
    .filter((name) => contentTypes[extname(name)] !== undefined)
    .map((name) => [name, readFileSync(new URL(name, folder), 'utf8')] as const);
  const version = hashOf(JSON.stringify(texts)).slice(0, 16);
  const files = new Map<string, PageFile>();
  for (const [name, text] of texts) {
    const sent = name === shellName ? text.replaceAll('"web/', `"web/${version}/`) : text;
    const contentType = contentTypes[extname(name)] ?? '';
    files.set(name, { contentType, etag: `W/"${hashOf(sent)}"`, text: sent });
  }
  return { version, files };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

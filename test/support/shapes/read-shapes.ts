import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A file as charts and projects have them, made anew. The texts in this folder hold them, each with
 * what is expected: `from` is where real ones are, `expect` a reference that changes, `keeps` what
 * stays although it stands in a reference's place, `path` an option `--image-path`. Whatever may
 * change stands between « and ».
 */
export interface Shape {
  what: string;
  /** Its path, which may tell its kind. */
  path: string;
  marked: string;
  images: string[];
  leftAlone: string[];
  imagePaths: string[];
}

/** All shapes. */
export const shapes: readonly Shape[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.txt'))
  .flatMap((name) =>
    readFileSync(join(import.meta.dirname, name), 'utf8')
      .split(/^=== /m)
      .slice(1),
  )
  .map(readShape);

function readShape(text: string): Shape {
  const [, head = '', path = '', flags = '', body = ''] = /^(.*?)\n-- (\S+)(.*) --\n(.*)$/s.exec(text) ?? [];
  const [what = '', ...lines] = head.split('\n');
  const of = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  if (of('from').length !== 1) throw new Error(`${what}: say where it is from`);
  // A blank line stands between two shapes.
  const written = body.replace(/\n+$/, '\n');
  const marked = flags.includes('crlf') ? written.replaceAll('\n', '\r\n') : written;
  return {
    what,
    path,
    marked: flags.includes('bom') ? `\uFEFF${marked}` : marked,
    images: of('expect'),
    leftAlone: of('keeps'),
    imagePaths: of('path'),
  };
}

/** The file itself. */
export function plainText({ marked }: Shape): string {
  return marked.replace(/[«»]/g, '');
}

/** Whether a text is the file with nothing changed but what may change. */
export function differsOnlyInMarks({ marked }: Shape, text: string): boolean {
  const pattern = marked
    .split(/(«[^»]*»)/)
    .map((piece) => (piece.startsWith('«') ? '[^\\n]*?(?:\\r?\\n[^\\n]*?)?' : literal(piece)))
    .join('');
  return new RegExp(`^${pattern}$`).test(text);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

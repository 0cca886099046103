import { type Document, parseAllDocuments } from 'yaml';
import { prune } from './prune.ts';

/** One or more documents of a stream, parsed together. */
export interface YamlPart {
  /** What was parsed: offsets in the documents are those in this text. */
  text: string;
  /** The offset in the whole text of one in this text. */
  at(offset: number): number;
  documents: Document.Parsed[];
}

/**
 * Parses a YAML stream, document by document, and leaves out those that `mayMatter` says nothing
 * about: parsing is what takes the time. If `isWanted` is given, keys whose values it does not want
 * may be read as if they had none.
 *
 * A line that begins with `---` starts a document wherever it stands, in block scalars too (YAML
 * 1.2.2, 9.1.2, `c-forbidden`), so that a stream can be cut there without parsing it. Directives
 * stand before that line; a stream with lines that could be directives is parsed as a whole.
 */
export function* parseStream(
  text: string,
  mayMatter: (part: string) => boolean,
  isWanted?: (key: string, below: string) => boolean,
): Generator<YamlPart> {
  for (const { base, part } of cut(text)) {
    if (!mayMatter(part)) continue;
    const pruned = isWanted && prune(part, isWanted);
    const short = pruned && parsePart(pruned.text, (offset) => base + pruned.at(offset));
    // Errors are told as they are in the whole text.
    const isGood = short?.documents.every(({ errors }) => errors.length === 0);
    yield short && isGood ? short : parsePart(part, (offset) => base + offset);
  }
}

function parsePart(text: string, at: (offset: number) => number): YamlPart {
  const documents = parseAllDocuments(text, {
    // Scalars keep their spelling: 1.10 is a tag, not the number 1.1.
    schema: 'failsafe',
    // Kubernetes takes a map with the same key twice, so it is not for us to refuse it.
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
    strict: true,
  });
  return { text, at, documents: Array.isArray(documents) ? documents : [] };
}

function* cut(text: string): Generator<{ base: number; part: string }> {
  if (/^\uFEFF?%/m.test(text)) {
    yield { base: 0, part: text };
    return;
  }
  let base = 0;
  for (const { index } of text.matchAll(/^---(?=[ \t\r\n]|$)/gm)) {
    if (index > base) yield { base, part: text.slice(base, index) };
    base = index;
  }
  yield { base, part: text.slice(base) };
}

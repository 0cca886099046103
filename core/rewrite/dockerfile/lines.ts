/** A line of an instruction, as it is put together from the lines of the file. */
export interface Instruction {
  /** In upper case; of `ONBUILD COPY …` it is `COPY`. */
  name: string;
  /** Whether it runs in the builds that use the image. */
  isTrigger: boolean;
  /** The words after the name. */
  words: Word[];
}

/** A word without its quotes. */
export interface Word {
  text: string;
  /** Offset in the file. */
  start: number;
  /** Whether it stands in the file in one piece, and not over several lines. */
  inOnePiece: boolean;
}

/** What is read from a Dockerfile. */
export interface DockerfileLines {
  /** The value of the parser directive `syntax`. */
  syntax: Word | undefined;
  instructions: Instruction[];
}

interface Line {
  start: number;
  /** Without the line break. */
  text: string;
}

/** The characters of an instruction with their places in the file. */
interface Joined {
  text: string;
  offsets: number[];
}

/**
 * Reads the instructions of a Dockerfile as BuildKit does: parser directives, comments, continued
 * lines, and here-documents, whose contents are no instructions.
 * https://docs.docker.com/reference/dockerfile/ and
 * https://github.com/moby/buildkit/blob/master/frontend/dockerfile/parser/parser.go
 */
export function readDockerfile(text: string): DockerfileLines {
  const lines = linesOf(text);
  const { syntax, escaper } = readDirectives(lines);
  const instructions: Instruction[] = [];
  for (let at = 0; at < lines.length; ) {
    const joined: Joined = { text: '', offsets: [] };
    let isContinued = true;
    while (isContinued && at < lines.length) {
      const line = lines[at++] as Line;
      // Comments and empty lines within an instruction are left out.
      if (/^\s*(#|$)/.test(line.text)) {
        if (joined.text === '') isContinued = false;
        continue;
      }
      isContinued = append(joined, line, escaper);
    }
    const instruction = parseInstruction(joined, escaper);
    if (!instruction) continue;
    instructions.push(instruction);
    for (const end of hereDocuments(instruction)) {
      while (at < lines.length && !end.ends((lines[at] as Line).text)) at++;
      at++;
    }
  }
  return { syntax, instructions };
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let start = text.startsWith('\uFEFF') ? 1 : 0;
  while (start <= text.length) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found;
    lines.push({ start, text: text.slice(start, end).replace(/\r$/, '') });
    start = end + 1;
  }
  return lines;
}

/** Directives are the comments at the very beginning that look like one. */
function readDirectives(lines: readonly Line[]): { syntax: Word | undefined; escaper: string } {
  let [syntax, escaper]: [Word | undefined, string] = [undefined, '\\'];
  for (const [index, { text, start }] of lines.entries()) {
    if (index === 0 && text.startsWith('#!')) continue;
    const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/d.exec(text);
    if (!match) break;
    const [name, value = ''] = [match[1]?.toLowerCase(), match[2]];
    if (name === 'escape' && (value === '`' || value === '\\')) escaper = value;
    // What follows the reference configures the frontend.
    const [reference = ''] = value.split(' ');
    if (name === 'syntax' && syntax === undefined)
      syntax = { text: reference, start: start + (match.indices?.[2]?.[0] ?? 0), inOnePiece: true };
  }
  return { syntax, escaper };
}

/** Adds a line; @returns whether the instruction goes on in the next one */
function append(joined: Joined, { start, text }: Line, escaper: string): boolean {
  const kept = text.replace(escaper === '`' ? /`[ \t]*$/ : /\\[ \t]*$/, '');
  for (let at = 0; at < kept.length; at++) joined.offsets.push(start + at);
  joined.text += kept;
  return kept.length < text.length;
}

function parseInstruction(joined: Joined, escaper: string): Instruction | undefined {
  const [first, ...rest] = splitWords(joined, escaper);
  if (!first) return undefined;
  const name = first.text.toUpperCase();
  const [second, ...others] = rest;
  if (name !== 'ONBUILD' || !second) return { name, isTrigger: false, words: rest };
  return { name: second.text.toUpperCase(), isTrigger: true, words: others };
}

/** Words end at white space outside of quotes. */
function splitWords({ text, offsets }: Joined, escaper: string): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < text.length; ) {
    if (/\s/.test(text[at] ?? '')) {
      at++;
      continue;
    }
    const begin = at;
    let quote = '';
    for (; at < text.length; at++) {
      const char = text[at] as string;
      if (char === escaper && quote !== "'" && at + 1 < text.length) at++;
      else if (quote !== '') quote = char === quote ? '' : quote;
      else if (char === '"' || char === "'") quote = char;
      else if (/\s/.test(char)) break;
    }
    words.push(wordOf(text.slice(begin, at), offsets.slice(begin, at)));
  }
  return words;
}

function wordOf(raw: string, offsets: readonly number[]): Word {
  const isQuoted = /^(["']).*\1$/s.test(raw) && raw.length > 1;
  const text = isQuoted ? raw.slice(1, -1) : raw;
  const [start = 0] = offsets;
  return {
    text,
    start: start + (isQuoted ? 1 : 0),
    inOnePiece: (offsets.at(-1) ?? start) - start === offsets.length - 1,
  };
}

/** Which line ends each here-document of an instruction, in their order. */
function hereDocuments({ name, words }: Instruction): { ends(line: string): boolean }[] {
  if (name !== 'RUN' && name !== 'COPY' && name !== 'ADD') return [];
  return words.flatMap(({ text }) => {
    const match = /^\d*<<(-?)(["']?)([^<"']+)\2$/.exec(text);
    if (!match) return [];
    const [, strips, , end = ''] = match;
    return { ends: (line: string) => (strips ? line.replace(/^\t+/, '') : line) === end };
  });
}

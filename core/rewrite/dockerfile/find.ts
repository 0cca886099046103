import { formatReference } from '../../oci/reference.ts';
import { type Finding, hasVariable } from '../found.ts';
import { type Instruction, readDockerfile, type Word } from './lines.ts';

/** The default of a build argument. */
interface Argument {
  name: string;
  value: Word;
}

/**
 * Finds the references of a Dockerfile: `FROM`, the defaults of build arguments that a `FROM` names
 * as a whole, `COPY --from`, `RUN --mount=from=…`, and the frontend in `# syntax=`. Stages, by name
 * or number, and `scratch` are no images.
 * https://docs.docker.com/reference/dockerfile/
 */
export function findInDockerfile(text: string, finding: Finding): void {
  const { syntax, instructions } = readDockerfile(text);
  if (syntax) addWord(finding, syntax);
  const stages = stageNames(instructions);
  const known = new Set<string>();
  const globals = new Map<string, Argument>();
  const bases: Word[] = [];
  let isGlobal = true;
  for (const instruction of instructions) {
    const { name, isTrigger, words } = instruction;
    if (name === 'ARG' && isGlobal && !isTrigger)
      for (const argument of argumentsOf(words)) globals.set(argument.name, argument);
    if (name === 'FROM' && !isTrigger) {
      isGlobal = false;
      const [image] = withoutFlags(words);
      const stage = stageName(instruction);
      if (image && image.text !== 'scratch' && !known.has(image.text.toLowerCase())) bases.push(image);
      if (stage !== undefined) known.add(stage);
    }
    for (const from of sourcesOf(instruction))
      if (from.text !== 'scratch' && !isStage(from.text, stages)) addWord(finding, from);
  }
  addBases(finding, bases, globals);
}

function addBases(finding: Finding, bases: readonly Word[], globals: ReadonlyMap<string, Argument>): void {
  // An argument that is also a part of other references has to stay.
  const parts = new Set(
    bases.filter(({ text }) => variableOf(text) === undefined).flatMap(({ text }) => variablesIn(text)),
  );
  for (const argument of globals.values())
    for (const name of variablesIn(argument.value.text)) parts.add(name);
  for (const base of bases) {
    const variable = base.inOnePiece ? variableOf(base.text) : undefined;
    const argument = variable && globals.get(variable.name);
    if (variable === undefined) addWord(finding, base);
    else if (parts.has(variable.name))
      finding.leave(base.text, base.start, 'variable', `${variable.name} is part of other references, too`);
    else if (argument && argument.value.text !== '') addWord(finding, argument.value);
    else if (variable.otherwise !== undefined && !argument)
      addWord(finding, {
        text: variable.otherwise,
        start: base.start + base.text.indexOf(':-') + 2,
        inOnePiece: true,
      });
    else finding.leave(base.text, base.start, 'variable', `${variable.name} has no default here`);
  }
}

function addWord(finding: Finding, { text, start, inOnePiece }: Word): void {
  if ((!inOnePiece || /["'`\\]/.test(text)) && !hasVariable(text)) {
    finding.leave(text, start, 'unclear', 'it is written with escapes, quotes or over several lines');
    return;
  }
  finding.add({
    image: text,
    start,
    edits: (to) => [{ start, end: start + text.length, text: formatReference(to) }],
  });
}

function withoutFlags(words: readonly Word[]): readonly Word[] {
  const first = words.findIndex(({ text }) => !text.startsWith('--'));
  return first < 0 ? [] : words.slice(first);
}

/** Names of stages are compared without case. */
function stageName({ words }: Instruction): string | undefined {
  const [, as, name] = withoutFlags(words);
  return as?.text.toLowerCase() === 'as' ? name?.text.toLowerCase() : undefined;
}

function stageNames(instructions: readonly Instruction[]): ReadonlySet<string> {
  const froms = instructions.filter(({ name, isTrigger }) => name === 'FROM' && !isTrigger);
  return new Set(froms.flatMap((from) => stageName(from) ?? []));
}

function isStage(text: string, stages: ReadonlySet<string>): boolean {
  return /^\d+$/.test(text) || stages.has(text.toLowerCase());
}

/** `ARG NAME=default OTHER`, of which only those with a default. */
function argumentsOf(words: readonly Word[]): Argument[] {
  return words.flatMap((word) => {
    const equals = word.text.indexOf('=');
    return equals < 0
      ? []
      : { name: word.text.slice(0, equals), value: part(word, equals + 1, word.text.length) };
  });
}

/** The references in the flags of COPY and RUN. */
function sourcesOf({ name, words }: Instruction): Word[] {
  const flags = words.slice(0, words.length - withoutFlags(words).length);
  if (name === 'COPY')
    return flags.flatMap((flag) => (flag.text.startsWith('--from=') ? part(flag, 7, flag.text.length) : []));
  if (name !== 'RUN') return [];
  return flags.filter(({ text }) => text.startsWith('--mount=')).flatMap(mountSource);
}

/** `--mount=type=bind,from=image,target=/x`: comma-separated, keys in any case. */
function mountSource(flag: Word): Word[] {
  let at = '--mount='.length;
  for (const field of flag.text.slice(at).split(',')) {
    const equals = field.indexOf('=');
    if (field.slice(0, equals).toLowerCase() === 'from')
      return [part(flag, at + equals + 1, at + field.length)];
    at += field.length + 1;
  }
  return [];
}

/** A part of a word, without the quotes that are around that part. */
function part({ text, start, inOnePiece }: Word, from: number, to: number): Word {
  const raw = text.slice(from, to);
  const isQuoted = raw.length > 1 && /^(["']).*\1$/s.test(raw);
  return {
    text: isQuoted ? raw.slice(1, -1) : raw,
    start: start + from + (isQuoted ? 1 : 0),
    inOnePiece,
  };
}

/** The variable that a text is as a whole: `$X`, `${X}`, `${X:-default}`. */
function variableOf(text: string): { name: string; otherwise?: string } | undefined {
  const match = /^\$(?:(\w+)|\{(\w+)(?::-([^${}]*))?\})$/.exec(text);
  if (!match) return undefined;
  const name = match[1] ?? match[2] ?? '';
  return match[3] === undefined ? { name } : { name, otherwise: match[3] };
}

/** The names of all variables in a text. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name);
}

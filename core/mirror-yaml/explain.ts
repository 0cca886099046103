import type * as z from 'zod';
import { type FieldHelp, shown } from '../config/fields.ts';
import { nearest } from './nearest.ts';
import type { YamlPath } from './read-yaml.ts';

/** A problem with a value or, where `onKey` is set, with the key that the path ends with. */
export interface Finding {
  path: YamlPath;
  message: string;
  onKey?: boolean;
}

type Schema = z.core.$ZodType;
type Issue = z.core.$ZodIssue;

/**
 * Turns what a schema says about a value into messages: what was found, and what to write instead.
 *
 * @param base where the value is in the document
 * @param source how a scalar was written; the path starts at the document's root
 */
export function explain(
  issues: readonly Issue[],
  schema: Schema,
  value: unknown,
  base: YamlPath,
  source: (path: YamlPath) => string | undefined,
): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const inner = issue.path as YamlPath;
    const path = [...base, ...inner];
    const found = valueAt(value, inner);
    const expected = schemaAt(schema, inner);
    if (issue.code === 'unrecognized_keys') {
      const known = expected === undefined ? [] : keysOf(expected);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: unknownKey(key, known),
        onKey: true,
      }));
    }
    if (issue.code === 'invalid_key')
      return issue.issues.map(({ message }) => ({ path, message, onKey: true }));
    if (issue.code === 'invalid_union') {
      const branch = fittingBranch(issue, expected, found);
      if (branch !== undefined) return explain(branch.issues, branch.schema, found, path, source);
    }
    return [{ path, message: describe(issue, expected, found, path, source(path)) }];
  });
}

function unknownKey(key: string, known: string[]): string {
  if (known.length === 0) return `unknown key ${shown(key)}; there are no keys here, so leave it out`;
  if (key === '<<')
    return 'merge keys (<<) are not supported; write the keys out, or give a whole value an alias';
  const meant = nearest(key, known);
  const hint = meant === undefined ? '' : ` did you mean ${meant}?`;
  return `unknown key ${shown(key)};${hint} known here: ${known.join(', ')}`;
}

function describe(
  issue: Issue,
  schema: Schema | undefined,
  found: unknown,
  path: YamlPath,
  source: string | undefined,
): string {
  const help = schema === undefined ? undefined : helpOf(schema);
  const what = help?.what ?? plainName(schema);
  switch (issue.code) {
    case 'custom':
      return issue.message;
    case 'too_small':
    case 'too_big':
      return `${size(issue, found)}; it must be ${what}${example(help)}`;
    default:
      if (found === undefined)
        return `is missing; ${help?.missing ?? 'add it'}, for example: ${missingExample(path, help)}`;
      if (found === null) return `has no value; leave it out, or give it one${example(help)}`;
      return `must be ${what}, found ${describeValue(found, source)}${remedy(issue, found, source, schema)}`;
  }
}

function size(issue: Issue & { code: 'too_small' | 'too_big' }, found: unknown): string {
  if (typeof found === 'number') return `${found} is too ${issue.code === 'too_small' ? 'small' : 'large'}`;
  const limit = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  if (issue.code === 'too_small')
    return found === '' || limit === 1 ? 'is empty' : `has fewer than ${limit} items`;
  return `has more than ${limit} items`;
}

function describeValue(found: unknown, source: string | undefined): string {
  if (Array.isArray(found)) return 'a list';
  if (typeof found === 'object') return 'a mapping';
  if (typeof found === 'number') return `the number ${source ?? found}`;
  return shown(found);
}

function remedy(
  issue: Issue,
  found: unknown,
  source: string | undefined,
  schema: Schema | undefined,
): string {
  // Not even converted to text: a mapping may have a key `toString`.
  if (issue.code === 'invalid_type' && typeof found !== 'object') {
    // YAML reads 1.10 as 1.1 and 0123 as 123, so the quotes get the text as written.
    const written = source ?? String(found);
    if (issue.expected === 'string' && accepts(schema, written))
      return `; put it in quotes: ${JSON.stringify(written)}`;
    if (issue.expected === 'array' && accepts(schema, [written]))
      return `; write a list: [${JSON.stringify(written)}]`;
  }
  const wrapped = schema === undefined ? undefined : wrappedIn(schema, found);
  if (wrapped !== undefined) return `; write ${wrapped}`;
  return example(schema === undefined ? undefined : helpOf(schema));
}

/**
 * A value that belongs under one key of the expected mapping, such as `latest` in `tags: latest`.
 */
function wrappedIn(schema: Schema, found: unknown): string | undefined {
  const key = (schema as z.ZodType).meta()?.wrap ?? wrapOfInner(schema);
  const items = Array.isArray(found) ? found : [found];
  if (typeof key !== 'string' || !items.every((item) => typeof item === 'string')) return undefined;
  if (!accepts(schema, { [key]: items })) return undefined;
  return `{ ${key}: [${items.map((item) => JSON.stringify(item)).join(', ')}] }`;
}

function wrapOfInner(schema: Schema): unknown {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  return 'innerType' in def
    ? ((def.innerType as z.ZodType).meta()?.wrap ?? wrapOfInner(def.innerType))
    : undefined;
}

function accepts(schema: Schema | undefined, value: unknown): boolean {
  return schema !== undefined && (schema as z.ZodType).safeParse(value).success;
}

function example(help: FieldHelp | undefined): string {
  return help === undefined || help.example === '' ? '' : `; write, for example, ${help.example}`;
}

function missingExample(path: YamlPath, help: FieldHelp | undefined): string {
  return `${path.at(-1)}: ${help?.example ?? '…'}`;
}

/**
 * The branch of a union that a mapping was probably meant for: the one that knows most of its keys.
 */
function fittingBranch(
  issue: Issue & { code: 'invalid_union' },
  schema: Schema | undefined,
  found: unknown,
): { issues: Issue[]; schema: Schema } | undefined {
  const options = schema === undefined ? [] : unionOptions(schema);
  if (Array.isArray(found)) return listBranch(issue, options);
  if (typeof found !== 'object' || found === null) return undefined;
  const knownKeys = (branch: Schema) => keysOf(branch).filter((key) => Object.hasOwn(found, key)).length;
  return issue.errors
    .flatMap((issues, index) => {
      const branch = options[index];
      return branch === undefined || keysOf(branch).length === 0
        ? []
        : [{ issues: [...issues], schema: branch }];
    })
    .sort((a, b) => knownKeys(b.schema) - knownKeys(a.schema))[0];
}

/** The branch of a union that takes lists. */
function listBranch(
  issue: Issue & { code: 'invalid_union' },
  options: readonly Schema[],
): { issues: Issue[]; schema: Schema } | undefined {
  const index = options.findIndex((option) => definition(option).type === 'array');
  const [schema, issues] = [options[index], issue.errors[index]];
  return schema === undefined || issues === undefined ? undefined : { issues: [...issues], schema };
}

/** The definition under the wrappers of defaults and optional fields. */
function definition(schema: Schema): z.core.$ZodTypes['_zod']['def'] {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  return 'innerType' in def ? definition(def.innerType) : def;
}

function helpOf(schema: Schema): FieldHelp | undefined {
  const meta = (schema as z.ZodType).meta();
  if (typeof meta?.what === 'string')
    return {
      what: meta.what,
      example: String(meta.example ?? ''),
      ...(typeof meta.missing === 'string' && { missing: meta.missing }),
    };
  const def = (schema as z.core.$ZodTypes)._zod.def;
  return 'innerType' in def ? helpOf(def.innerType) : undefined;
}

function plainName(schema: Schema | undefined): string {
  switch (schema === undefined ? undefined : definition(schema).type) {
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'string':
      return 'text';
    case 'number':
      return 'a number';
    default:
      return 'a mapping';
  }
}

function keysOf(schema: Schema): string[] {
  const def = definition(schema);
  if (def.type === 'union') return def.options.flatMap(keysOf);
  return def.type === 'object' ? Object.keys(def.shape) : [];
}

function unionOptions(schema: Schema): readonly Schema[] {
  const def = definition(schema);
  return def.type === 'union' ? def.options : [];
}

function schemaAt(schema: Schema, path: YamlPath): Schema | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return schema;
  const def = definition(schema);
  if (def.type === 'array') return schemaAt(def.element, rest);
  if (def.type === 'record') return schemaAt(def.valueType, rest);
  if (def.type === 'union')
    return def.options.map((option) => schemaAt(option, path)).find((found) => found !== undefined);
  if (def.type !== 'object' || !Object.hasOwn(def.shape, key)) return undefined;
  const inner = def.shape[key];
  return inner === undefined ? undefined : schemaAt(inner, rest);
}

function valueAt(value: unknown, path: YamlPath): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

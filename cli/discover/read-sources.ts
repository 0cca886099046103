import { createReadStream } from 'node:fs';
import type { Inventory } from '../../core/discover/inventory.ts';
import { JsonInputError, type JsonItem, readJsonValues } from '../../core/discover/json-values.ts';
import { isNode, isPod, type PodImage, readNode, readPod } from '../../core/discover/pod.ts';
import { type FindOptions, findImages } from '../../core/rewrite/find-images.ts';
import type { Found, ResourceName } from '../../core/rewrite/found.ts';
import { type FileKind, kindOfName, kindOfText } from '../../core/rewrite/kinds.ts';
import { LineFinder } from '../../core/rewrite/position.ts';
import {
  decode,
  fileInput,
  type Input,
  isFolder,
  readInput,
  stdinInput,
  unreadable,
} from '../rewrite/read-input.ts';
import { CommandError } from '../shared/command-error.ts';

/** What is read, and where what can’t be read is told. */
export interface Reading extends FindOptions {
  inventory: Inventory;
  as: FileKind | undefined;
  tell(line: string): void;
}

/**
 * Reads files, folders and standard input (`-`) into the inventory. JSON is read object by object,
 * so that the pods of a large cluster need no more memory than those of a small one.
 *
 * @throws CommandError, UsageError
 */
export async function readSources(paths: readonly string[], reading: Reading): Promise<void> {
  for (const path of paths) {
    if (path === '-') await readStream('stdin', process.stdin, reading);
    else if (await isFolder(path))
      for (const input of await readInput([path], reading.as, reading.tell)) addText(input, reading);
    else await readStream(path, createReadStream(path, { highWaterMark: 1024 * 1024 }), reading);
  }
}

async function readStream(name: string, stream: AsyncIterable<Uint8Array>, reading: Reading): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  const next = () =>
    chunks.next().catch((error: unknown) => {
      throw unreadable(name, error);
    });
  const begin: Uint8Array[] = [];
  let isJson: boolean | undefined;
  while (isJson === undefined) {
    const chunk = await next();
    if (!chunk.done) begin.push(chunk.value);
    isJson = looksLikeJson(Buffer.concat(begin), chunk.done === true);
  }
  const all = (async function* () {
    yield* begin;
    for (let chunk = await next(); !chunk.done; chunk = await next()) yield chunk.value;
  })();
  // The names of some files say more than their content.
  if (isJson && (reading.as === undefined || reading.as === 'kubernetes') && kindOfName(name) === undefined)
    await addJson(name, readJsonValues(all), reading);
  else {
    const rest: Uint8Array[] = [];
    for await (const chunk of all) rest.push(chunk);
    const text = decode(Buffer.concat(rest), name);
    if (text.trim() === '') return;
    addText(name === 'stdin' ? stdinInput(text, reading.as) : fileInput(name, text, reading.as), reading);
  }
}

/** An object whose first key is quoted, or a list of objects; undefined if more has to be seen. */
function looksLikeJson(bytes: Uint8Array, isAll: boolean): boolean | undefined {
  const begin = Buffer.from(bytes.subarray(0, 4096))
    .toString('latin1')
    .replace(/^\xEF\xBB\xBF/, '')
    .trimStart();
  if (/^(\{\s*["}]|\[\s*[{\]])/.test(begin)) return true;
  return isAll || begin.length > 64 || !/^([[{]\s*)?$/.test(begin) ? false : undefined;
}

/**
 * Adds the objects of a JSON input.
 *
 * @throws CommandError if it is damaged
 */
export async function addJson(name: string, items: AsyncIterable<JsonItem>, reading: Reading): Promise<void> {
  try {
    for await (const item of items) addObject(name, item, reading);
  } catch (error) {
    if (!(error instanceof JsonInputError)) throw error;
    throw new CommandError(
      `${name}: ${error.message}`,
      'write it again, and check that the command ended well',
    );
  }
}

function addObject(name: string, { value, text, at }: JsonItem, reading: Reading): void {
  const { inventory } = reading;
  if (isPod(value)) inventory.addPod(readPod(value));
  else if (isNode(value)) inventory.addNode(readNode(value));
  else {
    const place = `${name}, object at byte ${at}`;
    addFound(findImages(text, kindOfText(text) ?? 'kubernetes', reading), () => place, reading);
  }
}

function addText({ name, text, kind }: Input, reading: Reading): void {
  const lines = new LineFinder(text);
  const placeOf = (start: number) => {
    const { line, column } = lines.position(start);
    return `${name}:${line}:${column}`;
  };
  addFound(findImages(text, kind, reading), placeOf, reading);
}

function addFound(found: Found, placeOf: (start: number) => string, { inventory, tell }: Reading): void {
  const pods = new Map<ResourceName, PodImage[]>();
  const add = (text: string, start: number, resource: ResourceName | undefined) => {
    if (resource?.kind !== 'Pod') inventory.addPlace(text, placeOf(start));
    else pods.set(resource, [...(pods.get(resource) ?? []), { text }]);
  };
  for (const { image, start, resource } of found.images) add(image, start, resource);
  for (const { text, start, why, reason, resource } of found.leftAlone)
    if (why === 'invalid') add(text, start, resource);
    else tell(`${placeOf(start)}: ${JSON.stringify(text)} is not counted: ${reason}`);
  for (const [{ name = '', namespace = '' }, images] of pods)
    inventory.addPod({ name, namespace, images, hasPullSecrets: false });
  for (const { start, message } of found.unreadable) tell(`${placeOf(start)}: ${message}`);
}

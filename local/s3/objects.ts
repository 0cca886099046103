import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Mutex } from '../ecr/mutex.ts';
import { writeAtomically } from '../ecr/storage/write-atomically.ts';
import { StartError } from '../start-error.ts';
import { S3Error } from './error.ts';

/** What is stored with an object's bytes. */
export interface ObjectFacts {
  key: string;
  /** With its quotes: the MD5 of the bytes. */
  etag: string;
  bytes: number;
  /** ISO 8601. */
  lastModified: string;
  /** Content-Type, Content-Encoding, Cache-Control and `x-amz-meta-*`, names in lower case. */
  headers: Record<string, string>;
}

/** The conditions of a put, as sent in If-Match and If-None-Match. */
export interface PutConditions {
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
}

/** Objects under the prefix are removed that long after they were put. */
export interface LifecycleRule {
  prefix: string;
  afterMs: number;
}

/** The objects of one bucket, in memory or in a folder. */
export class S3Objects {
  readonly #directory: string | undefined;
  readonly #lifecycle: LifecycleRule;
  readonly #facts = new Map<string, ObjectFacts>();
  readonly #bodies = new Map<string, Uint8Array>();
  readonly #writes = new Mutex();

  /** @param directory is read and, if it is missing, created; absent: in memory. */
  constructor(lifecycle: LifecycleRule, directory?: string) {
    this.#lifecycle = lifecycle;
    this.#directory = directory;
    if (directory === undefined) return;
    mkdirSync(join(directory, 'new'), { recursive: true });
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(directory, entry.name);
      const { facts } = parseFile(readFileSync(file), file);
      this.#facts.set(facts.key, facts);
    }
    for (const draft of readdirSync(join(directory, 'new'))) rmSync(join(directory, 'new', draft));
  }

  head(key: string): ObjectFacts | undefined {
    return this.#facts.get(key);
  }

  /** The object with its bytes, both of the same version. */
  async read(key: string): Promise<{ facts: ObjectFacts; body: Uint8Array } | undefined> {
    const facts = this.#facts.get(key);
    if (facts === undefined) return undefined;
    if (this.#directory === undefined) return { facts, body: this.#bodies.get(key) ?? new Uint8Array() };
    // The file may be newer than what is in memory, but it is one version.
    const file = this.#file(key);
    return parseFile(await readFile(file), file);
  }

  /**
   * Checks the conditions of a put, with the error that S3 answers.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
   */
  check(key: string, { ifMatch, ifNoneMatch }: PutConditions): void {
    const current = this.#facts.get(key);
    if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
      throw new S3Error(
        501,
        'NotImplemented',
        'A header you provided implies functionality that is not implemented',
      );
    }
    if (ifMatch !== undefined && current === undefined) {
      throw new S3Error(404, 'NoSuchKey', 'The specified key does not exist.');
    }
    if (ifNoneMatch !== undefined && current !== undefined) throw preconditionFailed();
    if (ifMatch !== undefined && bare(ifMatch) !== bare(current?.etag ?? '')) throw preconditionFailed();
  }

  /**
   * Stores an object. The conditions are checked again in the same turn as the write: one that no
   * longer holds, because another put came first, is a 409.
   */
  async put(
    key: string,
    body: Uint8Array,
    headers: Record<string, string>,
    conditions: PutConditions,
  ): Promise<ObjectFacts> {
    const facts: ObjectFacts = {
      key,
      etag: `"${createHash('md5').update(body).digest('hex')}"`,
      bytes: body.byteLength,
      lastModified: new Date().toISOString(),
      headers,
    };
    await this.#writes.run(async () => {
      try {
        this.check(key, conditions);
      } catch {
        throw new S3Error(
          409,
          'ConditionalRequestConflict',
          'The conditional request cannot succeed due to a conflicting operation against this resource.',
        );
      }
      if (this.#directory === undefined) this.#bodies.set(key, body);
      else
        await writeAtomically(
          this.#file(key),
          Buffer.concat([Buffer.from(`${JSON.stringify(facts)}\n`), body]),
          join(this.#directory, 'new'),
        );
      this.#facts.set(key, facts);
      await this.#expire();
    });
    return facts;
  }

  async #expire(): Promise<void> {
    const { prefix, afterMs } = this.#lifecycle;
    for (const { key, lastModified } of this.#facts.values()) {
      if (!key.startsWith(prefix) || Date.parse(lastModified) + afterMs > Date.now()) continue;
      this.#facts.delete(key);
      this.#bodies.delete(key);
      if (this.#directory !== undefined) await rm(this.#file(key), { force: true });
    }
  }

  /** Keys may hold anything, names of files may not. */
  #file(key: string): string {
    return join(this.#directory ?? '', createHash('sha256').update(key).digest('hex'));
  }
}

/**
 * A file holds the facts as a line of JSON, and then the bytes.
 *
 * @throws StartError if it is damaged
 */
function parseFile(content: Buffer, file: string): { facts: ObjectFacts; body: Uint8Array } {
  const end = content.indexOf('\n');
  const body = content.subarray(end + 1);
  try {
    const facts = JSON.parse(content.subarray(0, end).toString('utf8')) as ObjectFacts;
    if (facts.bytes === body.byteLength) return { facts, body };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new StartError(`${file} is damaged`, 'remove the file: what it holds is made again from the table');
}

/** Whether a condition names an ETag: with or without quotes, as S3 takes both. */
export function namesTag(condition: string, etag: string): boolean {
  return condition === '*' || bare(condition) === bare(etag);
}

function bare(etag: string): string {
  return etag.trim().replace(/^"(.*)"$/, '$1');
}

function preconditionFailed(): S3Error {
  return new S3Error(
    412,
    'PreconditionFailed',
    'At least one of the pre-conditions you specified did not hold',
  );
}

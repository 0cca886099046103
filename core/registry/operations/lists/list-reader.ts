/** What is wrong with a list. */
export class ListError extends Error {
  override readonly name = 'ListError';
}

/** The deepest nesting of a list; Google's list of tags has three levels. */
const maxDepth = 32;
/**
 * How many bytes of a string are kept: as many as a repository name can have, escaped or not
 * (`\u0061`).
 */
const maxStringBytes = 255 * 6;

/** Which field of the answer holds the list. */
export type ListKey = 'tags' | 'repositories';

const quote = 0x22;
const backslash = 0x5c;
const [objectStart, objectEnd, arrayStart, arrayEnd] = [0x7b, 0x7d, 0x5b, 0x5d];
const [comma, colon] = [0x2c, 0x3a];

/** What a {@link ListReader} finds. */
export interface ListEvents {
  /** Called for each item of the list; undefined for one that is not a string, or too long. */
  onItem(item: string | undefined): void;
  /**
   * Called for each tag of each key of the object `manifest` beside the list, which Google's
   * registries send: `{"manifest": {"sha256:…": {"tag": ["1.0"]}}}`.
   */
  onManifestTag?(key: string, tag: string): void;
}

/**
 * Reads the JSON of a list, `{"name": …, "tags": ["1.0", …]}`, as it arrives, and keeps only its
 * items: registries that ignore `n` send tens of thousands of tags in one answer, and Google's adds
 * an object for each image. Its memory does not depend on the rest of the answer. It follows
 * strings and nesting, and does not check what it skips. (Streaming parsers build the values that
 * they skip, or whole strings, so the sender determines their memory.)
 */
export class ListReader {
  readonly #events: ListEvents;
  readonly #listKey: ListKey;
  /** The brackets that are open. */
  readonly #open: number[] = [];
  #inString = false;
  #escaped = false;
  /** The bytes of the current string, if it is needed, up to the limit. */
  readonly #string = Buffer.alloc(maxStringBytes);
  #length = 0;
  /** Whether the next value has not begun yet: after `[`, `,` or `:`. */
  #awaitsValue = true;
  /** Whether the current string is a key. */
  #isKey = false;
  /** The last key of the outermost object. */
  #key: string | undefined;
  /** Below `manifest`: the last key there, and whether the last key of its object is `tag`. */
  #manifestKey: string | undefined;
  #isTagField = false;
  /** How the list's field was found: not yet, as a list, or as null. */
  #found: 'list' | 'null' | 'other' | undefined;
  #ended = false;

  constructor(key: ListKey, events: ListEvents) {
    this.#listKey = key;
    this.#events = events;
  }

  /** Takes the next bytes. @throws ListError */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.#inString) at = this.#readString(bytes, at);
      else this.#readOther(bytes[at] as number);
    }
  }

  /**
   * Must be called after the last byte.
   *
   * @throws ListError unless it was a complete list, which may be null
   */
  end(): void {
    if (!this.#ended) throw new ListError('the list is cut off');
    if (this.#found !== 'list' && this.#found !== 'null')
      throw new ListError(`the answer is not a list of ${this.#listKey}`);
  }

  /** Inside the list itself. */
  get #isListed(): boolean {
    return this.#open.length === 2 && this.#open[1] === arrayStart && this.#key === this.#listKey;
  }

  /** @returns the index of the last byte that belongs to the string */
  #readString(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) {
        this.#inString = false;
        this.#endString();
        return at;
      }
      if (this.#length < maxStringBytes) this.#string[this.#length] = byte;
      this.#length += 1;
    }
    return bytes.length;
  }

  #endString(): void {
    const depth = this.#open.length;
    if (this.#isKey) {
      if (depth === 1) this.#key = this.#text();
      else if (depth <= 3 && this.#readsManifests) {
        if (depth === 2) this.#manifestKey = this.#text();
        else this.#isTagField = this.#length === 3 && this.#string.toString('latin1', 0, 3) === 'tag';
      }
    } else if (this.#isListed) this.#events.onItem(this.#text());
    else if (depth === 4 && this.#readsManifests && this.#isManifestTag) this.#endManifestTag();
  }

  get #readsManifests(): boolean {
    return this.#events.onManifestTag !== undefined && this.#key === 'manifest';
  }

  /** Inside the `tag` list of a manifest: `{ manifest: { key: { tag: [`. */
  get #isManifestTag(): boolean {
    const [outer, manifests, manifest, tags] = this.#open;
    return (
      outer === objectStart &&
      manifests === objectStart &&
      manifest === objectStart &&
      tags === arrayStart &&
      this.#isTagField
    );
  }

  #endManifestTag(): void {
    const tag = this.#text();
    if (this.#manifestKey !== undefined && tag !== undefined)
      this.#events.onManifestTag?.(this.#manifestKey, tag);
  }

  #text(): string | undefined {
    if (this.#length > maxStringBytes) return undefined;
    try {
      return JSON.parse(`"${this.#string.toString('utf8', 0, this.#length)}"`);
    } catch {
      return undefined;
    }
  }

  #readOther(byte: number): void {
    switch (byte) {
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        return;
      case quote:
        this.#isKey = this.#open.at(-1) === objectStart && !this.#awaitsValue;
        if (!this.#isKey) this.#beginValue('other');
        this.#inString = true;
        this.#length = 0;
        return;
      case objectStart:
      case arrayStart:
        this.#beginValue(byte === arrayStart ? 'list' : 'other');
        if (this.#isListed) this.#events.onItem(undefined);
        if (this.#open.length >= maxDepth) throw new ListError('the answer is nested too deeply');
        this.#open.push(byte);
        this.#awaitsValue = byte === arrayStart;
        return;
      case objectEnd:
      case arrayEnd: {
        const opened = this.#open.pop();
        if (opened !== (byte === objectEnd ? objectStart : arrayStart))
          throw new ListError('the answer is not JSON');
        this.#awaitsValue = false;
        if (this.#open.length === 0) this.#ended = true;
        return;
      }
      case comma:
        this.#awaitsValue = this.#open.at(-1) === arrayStart;
        return;
      case colon:
        this.#awaitsValue = true;
        return;
      default:
        // A number, true, false or null: the first letter is enough.
        if (!this.#awaitsValue) return;
        this.#beginValue(byte === 0x6e ? 'null' : 'other');
        if (this.#isListed) this.#events.onItem(undefined);
    }
  }

  #beginValue(kind: 'list' | 'null' | 'other'): void {
    if (this.#ended || (this.#open.length === 0 && kind !== 'other'))
      throw new ListError(`the answer is not a list of ${this.#listKey}`);
    if (this.#open.length === 1 && this.#open[0] === objectStart && this.#key === this.#listKey)
      this.#found = kind;
    this.#awaitsValue = false;
  }
}

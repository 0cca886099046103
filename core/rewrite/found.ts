import { InvalidReferenceError, parseReference, type Reference } from '../oci/reference.ts';
import type { Edit } from './edits.ts';

/** A Kubernetes object, as far as its text names it. */
export interface ResourceName {
  apiVersion?: string;
  kind?: string;
  name?: string;
  namespace?: string;
}

/** An image reference in a text. */
export interface FoundImage {
  /** What the text means, as it is looked up: the parts of a group are joined. */
  image: string;
  /** Where it begins, as an offset in the text. */
  start: number;
  /** The edits after which the text means another reference. */
  edits(to: Reference): Edit[];
  /**
   * The edit that no longer asks for a pull at each start; only where that has been the default.
   */
  pullPolicy?: Edit;
  /** The Kubernetes object that it stands in. */
  resource?: ResourceName;
}

/** Something at the place of a reference that can't be looked up, and stays as it is. */
export interface LeftAlone {
  /** As it stands in the text. */
  text: string;
  start: number;
  /**
   * `variable`: other programs fill it in; `invalid`: not a reference; `unclear`: the text does not
   * say which image is meant.
   */
  why: 'variable' | 'invalid' | 'unclear';
  /** For people. */
  reason: string;
  /** The Kubernetes object that it stands in. */
  resource?: ResourceName;
}

/** A part of the text that can't be read, and that may contain references. */
export interface Unreadable {
  start: number;
  message: string;
}

/** What a text contains. */
export interface Found {
  images: FoundImage[];
  leftAlone: LeftAlone[];
  unreadable: Unreadable[];
}

/** Collects what is found in one text. */
export class Finding {
  readonly #images = new Map<number, FoundImage>();
  readonly #leftAlone = new Map<number, LeftAlone>();
  readonly #aliases: { text: string; start: number; anchor: number }[] = [];
  readonly #seen = new Map<number, string>();
  readonly #claimed = new Set<number>();
  readonly #unreadable: Unreadable[] = [];
  #resource: ResourceName | undefined;

  /** Says in which object everything that follows is found. */
  enter(resource: ResourceName): void {
    this.#resource = resource;
  }

  /**
   * Adds an image if its reference can be looked up; otherwise records why not.
   *
   * @param places where the texts begin that its edits replace; what another image has already
   *   claimed is never replaced twice
   */
  add(found: FoundImage, places: readonly number[] = [found.start]): void {
    const { image: text, start } = found;
    // Several aliases or merge keys may lead here.
    if (text === '' || this.#seen.get(start) === text) return;
    this.#seen.set(start, text);
    if (places.some((place) => this.#claimed.has(place))) {
      this.leave(text, start, 'unclear', 'other images share its text through anchors');
      return;
    }
    for (const place of places) this.#claimed.add(place);
    if (hasVariable(text)) {
      this.leave(text, start, 'variable', 'it contains a variable');
      return;
    }
    try {
      parseReference(text);
      this.#images.set(start, { ...found, ...this.#within });
    } catch (error) {
      if (!(error instanceof InvalidReferenceError)) throw error;
      this.leave(text, start, 'invalid', error.reason);
    }
  }

  /** Records what can't be looked up. */
  leave(text: string, start: number, why: LeftAlone['why'], reason: string): void {
    this.#leftAlone.set(start, { text, start, why, reason, ...this.#within });
  }

  /** Records an alias, which needs nothing if its anchor is found as an image itself. */
  alias(text: string, start: number, anchor: number): void {
    this.#aliases.push({ text, start, anchor });
  }

  /** Records a part that can't be read. */
  fail(unreadable: Unreadable): void {
    this.#unreadable.push(unreadable);
  }

  get #within(): { resource?: ResourceName } {
    return this.#resource === undefined ? {} : { resource: this.#resource };
  }

  /** Everything, in the order of the text. */
  result(): Found {
    const byStart = (a: { start: number }, b: { start: number }) => a.start - b.start;
    const elsewhere = this.#aliases
      .filter(({ anchor }) => !this.#claimed.has(anchor))
      .map(({ text, start }): LeftAlone => ({ text, start, why: 'unclear', reason: anchorElsewhere }));
    return {
      images: [...this.#images.values()].sort(byStart),
      leftAlone: [...this.#leftAlone.values(), ...elsewhere].sort(byStart),
      unreadable: this.#unreadable.toSorted(byStart),
    };
  }
}

const anchorElsewhere = 'it is an alias, and its anchor stands where a text has another meaning';

/**
 * Shell and Compose `$X`, `${X}`, Kubernetes and Tekton `$(X)`, GitHub `${{ x }}`, Go `{{ .X }}`.
 */
export function hasVariable(text: string): boolean {
  return /\$[{(\w]|\{\{/.test(text);
}

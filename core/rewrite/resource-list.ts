import { type Document, isMap, isScalar, type YAMLMap } from 'yaml';
import type { Edit } from './edits.ts';
import type { ResourceName } from './found.ts';
import { parseStream } from './yaml/stream.ts';

/**
 * What a function says about an object.
 * https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
 */
export interface FunctionResult {
  message: string;
  severity: 'error' | 'warning' | 'info';
  resourceRef?: ResourceName;
}

/** The ResourceList that a function gets on standard input, and prints. */
export class ResourceList {
  readonly #text: string;
  readonly #document: Document.Parsed;
  readonly #root: YAMLMap.Parsed;

  /** @throws TypeError if the text is not a ResourceList */
  constructor(text: string) {
    const [part] = parseStream(text, () => true);
    const document = part?.documents[0];
    const root = document?.contents;
    if (
      !document ||
      document.errors.length > 0 ||
      !isMap(root) ||
      String(root.get('kind')) !== 'ResourceList'
    )
      throw new TypeError('the input is not a ResourceList');
    this.#text = text;
    this.#document = document;
    this.#root = root;
  }

  /** The function’s configuration as plain values, all scalars as texts. */
  get functionConfig(): unknown {
    return (this.#document.toJS({ maxAliasCount: 100 }) as { functionConfig?: unknown }).functionConfig;
  }

  /** The edit that puts results into the list; they replace those of an earlier function. */
  withResults(results: readonly FunctionResult[]): Edit[] {
    const root = this.#root;
    if (results.length === 0 || !root.range) return [];
    // JSON is YAML, in blocks, too.
    const json = JSON.stringify(results);
    const before = root.items.find(({ key }) => isScalar(key) && key.value === 'results');
    const old = before?.value as { range?: [number, number, number] } | undefined;
    if (old?.range) return [{ start: old.range[0], end: old.range[1], text: json }];
    const [start, end] = root.range;
    if (root.flow) {
      const text = `${root.items.length === 0 ? '' : ', '}"results": ${json}`;
      const last = this.#text.slice(start, end - 1).trimEnd().length + start;
      return [{ start: last, end: last, text }];
    }
    const list = results.map((result) => `- ${JSON.stringify(result)}\n`).join('');
    const isEnded = this.#text.slice(0, end).endsWith('\n');
    return [{ start: end, end, text: `${isEnded ? '' : '\n'}results:\n${list}` }];
  }
}

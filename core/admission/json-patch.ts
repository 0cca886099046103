/** One operation of a JSON Patch: https://www.rfc-editor.org/rfc/rfc6902#section-4 */
export type PatchOperation =
  | { op: 'replace'; path: string; value: string }
  | { op: 'add'; path: string; value: string | Record<string, string> };

/** A JSON Pointer to a place within a document: https://www.rfc-editor.org/rfc/rfc6901#section-3 */
export function jsonPointer(...keys: (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

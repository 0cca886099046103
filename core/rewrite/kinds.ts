/** What kinds of files `findImages` reads. */
export const fileKinds = [
  'kubernetes',
  'kustomization',
  'helm-values',
  'compose',
  'github-actions',
  'dockerfile',
] as const;

export type FileKind = (typeof fileKinds)[number];

/**
 * What files are called; the first that fits. Paths have `/`, and names are compared without case.
 */
const names: readonly [RegExp, FileKind][] = [
  [/(^|\/)(dockerfile|containerfile)[^/]*(?<!\.dockerignore|\.md|\.ya?ml|\.json)$/, 'dockerfile'],
  [/\.(dockerfile|containerfile)$/, 'dockerfile'],
  [/(^|\/)(docker-)?compose([.-][^/]*)?\.ya?ml$/, 'compose'],
  [/(^|\/)\.(github|gitea|forgejo)\/workflows\/[^/]+\.ya?ml$/, 'github-actions'],
  [/(^|\/)action\.ya?ml$/, 'github-actions'],
  [/(^|\/)kustomization(\.ya?ml)?$/, 'kustomization'],
  [/(^|\/)values[^/]*\.ya?ml$/, 'helm-values'],
];

/** The kind of a file by its name, or else by what it contains; undefined if neither tells. */
export function kindOfFile(path: string, text: string): FileKind | undefined {
  return kindOfName(path) ?? kindOfText(text);
}

/** The kind of a file by its name alone. */
export function kindOfName(path: string): FileKind | undefined {
  const lower = path.replaceAll('\\', '/').toLowerCase();
  return names.find(([pattern]) => pattern.test(lower))?.[1];
}

/** The kind of a text by what it contains: its first instruction, or its top-level keys. */
export function kindOfText(text: string): FileKind | undefined {
  if (/^\uFEFF?(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?:FROM|ARG)[ \t]/i.test(text)) return 'dockerfile';
  const has = (key: string) => new RegExp(`^(?:\\uFEFF|- )?(["']?)${key}\\1[ \\t]*:`, 'm').test(text);
  const isJson = /^\uFEFF?\s*[{[]/.test(text);
  if (isJson ? /"kind"\s*:/.test(text) : has('kind')) return 'kubernetes';
  if (isJson) return /"services"\s*:/.test(text) ? 'compose' : undefined;
  if (has('services') && !has('jobs')) return 'compose';
  return has('jobs') && has('on') ? 'github-actions' : undefined;
}

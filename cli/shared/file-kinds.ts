import type { FileKind } from '../../core/rewrite/kinds.ts';

const kinds: Record<FileKind, true> = {
  kubernetes: true,
  kustomization: true,
  'helm-values': true,
  compose: true,
  'github-actions': true,
  dockerfile: true,
};

/** The values of `--as`; the list itself is not loaded before a file is read. */
export const fileKindNames: readonly string[] = Object.keys(kinds);

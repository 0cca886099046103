import type { ImagePath } from '../../core/rewrite/kinds/kubernetes.ts';
import { InvalidPathError, parsePath } from '../../core/rewrite/yaml/path.ts';
import { UsageError } from '../shared/usage-error.ts';

/** `KIND=path` or `KIND.group=path`. @throws UsageError */
export function parseImagePath(text: string): ImagePath {
  const equals = text.indexOf('=');
  const kind = text.slice(0, Math.max(0, equals));
  if (!/^[A-Za-z][\w.-]*$/.test(kind))
    throw new UsageError(`${JSON.stringify(text)} is not KIND=path, such as Prometheus=spec.image`);
  try {
    return { kind, path: parsePath(text.slice(equals + 1)) };
  } catch (error) {
    if (error instanceof InvalidPathError) throw new UsageError(error.message);
    throw error;
  }
}

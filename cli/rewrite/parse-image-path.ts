import { InvalidArgumentError } from 'commander';
import type { ImagePath } from '../../core/rewrite/kinds/kubernetes.ts';
import { InvalidPathError, parsePath } from '../../core/rewrite/yaml/path.ts';

/** `KIND=path` or `KIND.group=path`. @throws InvalidPathError */
export function imagePath(text: string): ImagePath {
  const equals = text.indexOf('=');
  const kind = text.slice(0, Math.max(0, equals));
  if (!/^[A-Za-z][\w.-]*$/.test(kind))
    throw new InvalidPathError(`${JSON.stringify(text)} is not KIND=path, such as Prometheus=spec.image`);
  return { kind, path: parsePath(text.slice(equals + 1)) };
}

/** The same for an option that may be repeated. @throws InvalidArgumentError */
export function addImagePath(text: string, before: readonly ImagePath[] = []): ImagePath[] {
  try {
    return [...before, imagePath(text)];
  } catch (error) {
    if (error instanceof InvalidPathError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

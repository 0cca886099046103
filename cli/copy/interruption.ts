import type { TagPair } from './all-tags.ts';
import type { InterruptedError } from './side-by-side.ts';

/** What every image says that was interrupted before anything of it was written. */
const untouched = /^interrupted; nothing was (written|committed)$/;

/**
 * What is true of the destination when a copy of many tags was interrupted: how many are done, and
 * what may be half done.
 */
export function interruption({ underWay }: InterruptedError<TagPair>, done: number, total: number): string {
  const told = underWay.map(({ image, error }) => ({
    tag: image.tag,
    message: error instanceof Error ? error.message : String(error),
  }));
  const before = `${done} of ${total} tags were done before`;
  const touched = told.filter(({ message }) => !untouched.test(message));
  const [only] = touched;
  if (only && touched.length === 1)
    return `${only.message.replace('interrupted', `interrupted at ${only.tag}`)}; ${before}`;
  return [
    `interrupted; ${before}`,
    ...touched.map(({ tag, message }) => `  ${tag}: ${message.replace(/^interrupted(; | )/, '')}`),
  ].join('\n');
}

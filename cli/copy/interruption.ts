import { counted } from '../shared/format.ts';
import type { InterruptedError } from './side-by-side.ts';

/** What every image says that was interrupted before anything of it was written. */
const untouched = /^interrupted; nothing was (written|committed)$/;

/** How many images there are, and what they are called. */
export interface Interrupted<I> {
  done: number;
  total: number;
  /** What an image is called: `tag`, `image`. */
  noun: string;
  nameOf(image: I): string;
}

/**
 * What is true of the destination when a copy of many images was interrupted: how many are done,
 * and what may be half done.
 */
export function interruption<I>(
  { underWay }: InterruptedError<I>,
  { done, total, noun, nameOf }: Interrupted<I>,
): string {
  const told = underWay.map(({ image, error }) => ({
    name: nameOf(image),
    message: error instanceof Error ? error.message : String(error),
  }));
  const before = `${done} of ${counted(total, noun)} were done before`;
  const touched = told.filter(({ message }) => !untouched.test(message));
  const [only] = touched;
  if (only && touched.length === 1)
    return `${only.message.replace('interrupted', `interrupted at ${only.name}`)}; ${before}`;
  return [
    `interrupted; ${before}`,
    ...touched.map(({ name, message }) => `  ${name}: ${message.replace(/^interrupted(; | )/, '')}`),
  ].join('\n');
}

import { RecentlyAsked } from '../../core/admission/recently.ts';
import { enqueueMissing } from '../rewrite/enqueue.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import type { Log } from './log.ts';

/**
 * Asks the API to mirror images, each at most once in ten minutes. No Pod waits for it: what comes
 * while a request is under way is in the next one.
 */
export function imageAsker(
  flags: ApiFlags,
  log: Log,
  signal: AbortSignal,
): (images: readonly string[]) => void {
  const recently = new RecentlyAsked();
  const due = new Set<string>();
  let isAsking = false;
  const ask = async (images: string[]) => {
    try {
      const { queued, refused } = await enqueueMissing(images, flags, signal);
      log('info', 'images were asked for', { queued, ...(refused.length > 0 && { notConfigured: refused }) });
    } catch (error) {
      recently.forget(images);
      if (!signal.aborted) log('warn', 'images could not be asked for', { images, error });
    }
  };
  const askAll = async () => {
    if (isAsking) return;
    isAsking = true;
    while (due.size > 0 && !signal.aborted) {
      const images = [...due];
      due.clear();
      await ask(images);
    }
    isAsking = false;
  };
  return (images) => {
    for (const image of recently.take(images)) due.add(image);
    void askAll();
  };
}

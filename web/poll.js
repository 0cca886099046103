/** Asks again and again: often while something happens, seldom while nothing does. */

/**
 * @param {(signal: AbortSignal) => Promise<boolean>} task says whether something is going on; what
 *   it throws counts as “nothing”
 * @param {{ signal: AbortSignal, leastMs: number, mostMs: number }} options
 * @returns {() => void} asks at once
 */
export function poll(task, { signal, leastMs, mostMs }) {
  let wake = () => {};
  const loop = async () => {
    let pause = leastMs;
    while (!signal.aborted) {
      const isBusy = await task(signal).catch(() => false);
      if (signal.aborted) return;
      pause = isBusy ? leastMs : Math.min(mostMs, pause * 1.5);
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, pause);
        wake = () => {
          clearTimeout(timer);
          pause = leastMs;
          resolve(undefined);
        };
        signal.addEventListener('abort', wake, { once: true });
      });
      await untilVisible(signal);
    }
  };
  void loop();
  return () => wake();
}

/**
 * A tab that nobody sees asks for nothing.
 *
 * @param {AbortSignal} signal
 */
async function untilVisible(signal) {
  while (document.hidden && !signal.aborted)
    await new Promise((resolve) => {
      document.addEventListener('visibilitychange', resolve, { once: true });
      signal.addEventListener('abort', resolve, { once: true });
    });
}

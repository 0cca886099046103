/**
 * A second signal ends the process at once. But one Ctrl-C can arrive twice, from the terminal and
 * from the launcher.
 */
const patienceMs = 1_000;

/**
 * Calls back when the process is told to end (SIGINT, SIGTERM, SIGHUP). A later signal, after the
 * grace period, ends it at once with exit code 1.
 *
 * @returns a function that gives the signals back to Node, which ends the process at the next one
 */
export function onInterrupt(told: () => void): () => void {
  let since: number | undefined;
  const onSignal = () => {
    const first = since === undefined;
    since ??= Date.now();
    if (Date.now() - since > patienceMs) process.exit(1);
    if (first) told();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

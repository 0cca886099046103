/**
 * One instance of a function in a process of its own: loads the bundle in the first argument, and
 * answers each event that its parent sends with the handler's answer, the time and the most memory
 * so far.
 */
const { handler } = (await import(process.argv[2] ?? '')) as {
  handler(event: unknown, context: unknown): Promise<unknown>;
};
const context = {
  awsRequestId: 'bench',
  functionName: 'bench',
  getRemainingTimeInMillis: () => 900_000,
};
// Lambda writes what the logger and the metrics print to the log.
console.log = console.info = console.error;

process.on('message', async (event) => {
  const [started, before] = [performance.now(), process.cpuUsage()];
  const answer = await handler(event, context);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  const peakMegabytes = process.resourceUsage().maxRSS / 1024;
  process.send?.({ answer, ms, cpuMs: (user + system) / 1000, peakMegabytes });
});
process.send?.('ready');

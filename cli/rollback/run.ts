import type { PastMapping } from '../../core/mapping/history.ts';
import { type Digest, isDigest } from '../../core/oci/digest.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi, type Job } from '../api/client.ts';
import { historyTable } from '../history/table.ts';
import { type FollowFlags, followToEnd, jobLine } from '../jobs/follow.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { CommandError, NotMirroredError } from '../shared/command-error.ts';
import { dateAndClock } from '../shared/format.ts';
import { fittedLine } from '../terminal/digests.ts';
import { lineWidth } from '../terminal/wrap.ts';

/** The options of `drayage rollback`. */
export interface RollbackFlags extends ApiFlags, FollowFlags {}

/**
 * `drayage rollback`: says what it is about to do, does it, and follows the job.
 *
 * @param prefix the beginning of a digest, with its algorithm
 */
export async function runRollback(image: string, prefix: string, flags: RollbackFlags): Promise<void> {
  const address = apiAddress(flags);
  const api = new DrayageApi(address);
  const found = await api.history(image);
  if (found === undefined) throw new NotMirroredError([image]);
  const { image: name, history } = found;
  const digest = chosenDigest(name, prefix, history);
  for (const line of announcement(name, digest, history))
    process.stderr.write(`${fittedLine(line, lineWidth(process.stderr)).join('\n')}\n`);
  const job = await api.change(image, { kind: 'rollback', digest });
  if (job === undefined)
    throw new NotMirroredError(
      [`${name}@${digest}`],
      `choose a digest of its history: drayage history ${name}`,
    );
  await followToEnd(address, [job], flags, rolledBack);
}

/**
 * The one digest of the history that begins like this. A whole digest is left to the API, which
 * may know more than the history shows.
 */
function chosenDigest(image: string, prefix: string, history: readonly PastMapping[]): Digest {
  if (isDigest(prefix)) return prefix;
  const found = [...new Set(history.map(({ digest }) => digest))].filter((digest) =>
    digest.startsWith(prefix),
  );
  const [digest] = found;
  if (digest !== undefined && found.length === 1) return digest;
  const list = historyTable(
    digest === undefined ? history : history.filter((entry) => found.includes(entry.digest)),
    { isTTY: process.stderr.isTTY, columns: process.stderr.columns - 2 },
  );
  const problem =
    digest === undefined ? `has no digest that begins` : `has ${found.length} digests that begin`;
  throw new CommandError(
    `the history of ${image} ${problem} with ${prefix}:\n${list.map((line) => `  ${line}`).join('\n')}`,
    digest === undefined ? 'choose one of these' : 'write more digits',
  );
}

function announcement(image: string, digest: string, history: readonly PastMapping[]): string[] {
  const now = history.find(({ current, removed }) => current && removed === undefined);
  const then = history.find((entry) => entry.digest === digest);
  const since = (entry: PastMapping | undefined) =>
    entry === undefined ? '' : `, mirrored ${dateAndClock(new Date(entry.mirroredAt))}`;
  return [
    `rolling ${image} back, and pinning it:`,
    `  from  ${now === undefined ? 'nothing: it is not mapped now' : `${now.digest}${since(now)}`}`,
    `  to    ${digest}${since(then)}`,
  ];
}

function rolledBack(job: Job): string {
  const { image, state, digest } = job;
  if (state === 'committed') return `${image}  rolled back and pinned  ${digest}`;
  return state === 'satisfied' ? `${image}  was already pinned there  ${digest}` : jobLine(job);
}

import { inParallel } from '../../async/in-parallel.ts';
import type { ContentRequirements } from '../../config/content-requirements.ts';
import type { CopyPlan } from '../../copy/plan.ts';
import { formatImageKey } from '../../mapping/record.ts';
import type { Digest } from '../../oci/digest.ts';
import { checkContent } from '../../requirements/check-content.ts';
import { ContentRefused } from '../../requirements/refusal.ts';
import { runnableImages, unknownManifests } from '../../requirements/runnable-images.ts';
import { judgeScans, type ScanVerdict } from '../../requirements/scans.ts';
import type { MirrorJobDependencies } from '../dependencies.ts';
import { JobWait } from '../errors.ts';
import { isFinished, type JobRecord } from '../record.ts';
import type { RequirementPorts } from '../requirements/ports.ts';
import type { Seen } from './look.ts';
import type { MirrorWork } from './work.ts';

type Dependencies = Pick<MirrorJobDependencies, 'jobs' | 'requirements' | 'now'>;

/** An index with more images than this is not scanned: real ones have a dozen. */
const mostScanned = 64;
const scansAtOnce = 8;
/** The pause until the next look at a scan grows with the time that it takes. */
const [shortestPauseMs, longestPauseMs] = [15_000, 10 * 60_000];

/**
 * Requires that an image's digest has been known for as long as its rule asks. What counts is since
 * when the tag has been seen to point to it: times that an image names are its publisher's word. So
 * each look is noted, also one that finds what is mapped: a digest that comes back starts anew.
 *
 * @returns whether a later job of the tag waits already, which will look for this one, too
 * @throws JobWait too_young
 */
export async function requireAge(
  { job, rule }: MirrorWork,
  { kind, seen: { root, begun } }: { kind: 'changed' | 'unchanged'; seen: Pick<Seen, 'root' | 'begun'> },
  deps: Dependencies,
): Promise<'met' | 'left-to-later-job'> {
  const { ageSeconds } = rule.require ?? {};
  if (ageSeconds === undefined) return 'met';
  const { seen } = portsOf(deps);
  const now = deps.now();
  // What is mapped has been known since it was mirrored, even if nothing asked for its age then.
  // What its publisher deleted has not.
  const removed = begun.removed?.reason === 'deleted_upstream' ? undefined : begun.removed?.mapping;
  const mapping = begun.mapping ?? removed;
  const mirroredAt = mapping?.sourceDigest === root.digest ? Date.parse(mapping.mirroredAt) : Number.NaN;
  const seenAt = await seen.since(job.key, root.digest, now);
  if (kind === 'unchanged') return 'met';
  const since = Number.isNaN(mirroredAt) ? seenAt.getTime() : Math.min(mirroredAt, seenAt.getTime());
  const until = new Date(since + ageSeconds * 1_000);
  if (until <= now) return 'met';
  if (await hasLaterJob(job, begun, deps)) return 'left-to-later-job';
  // The wait is intended: it is not part of the time that mirroring takes.
  await deps.jobs.update(job.id, { heldUntil: until.toISOString() });
  const image = formatImageKey(job.key);
  throw new JobWait('too_young', {
    until,
    message: `${image}: ${root.digest} has been known since ${new Date(since).toISOString()}, and its rule mirrors it from ${until.toISOString()} on (require.age)`,
    remedy: `none needed: the job continues by itself. To mirror it now, lower require.age of the rule ${rule.match} in mirror.yaml, and request the image again`,
  });
}

/** One job of a tag is enough to wait, however often the tag moves meanwhile. */
async function hasLaterJob(
  { id, event }: JobRecord,
  { lastJob }: Pick<Seen['begun'], 'lastJob'>,
  { jobs }: Pick<Dependencies, 'jobs'>,
): Promise<boolean> {
  if (lastJob === undefined || lastJob === id) return false;
  const later = await jobs.read(lastJob);
  return later !== undefined && later.event > event && !isFinished(later);
}

/**
 * Requires what can be told from an image's manifests and configs, before anything is put.
 *
 * @throws ContentRefused; RegistryError of the upstream
 */
export async function requireContent(
  { job, rule }: MirrorWork,
  { source }: Pick<Seen, 'source'>,
  plan: CopyPlan,
  signal: AbortSignal,
): Promise<void> {
  const { require: requirements, match } = rule;
  if (requirements === undefined) return;
  await checkContent({ image: formatImageKey(job.key), match, requirements, plan, source }, { signal });
}

/**
 * Before a job that waits for scans looks at the upstream again: whether it still has to wait.
 * Anything else is decided after the look.
 *
 * @throws JobWait scan_pending
 */
export async function requireScansEnded(
  { job, rule, repository }: MirrorWork,
  deps: Dependencies,
  signal: AbortSignal,
): Promise<void> {
  const { scan } = rule.require ?? {};
  const { scanning } = job;
  if (scan === undefined || scanning === undefined || deps.now() >= overAt(scanning.since, scan)) return;
  const verdict = await askScans({ repository, digests: scanning.pending, scan }, deps, signal);
  if (verdict.kind === 'pending') throw await scanPending(job, { ...verdict, ...scanning, scan }, deps);
}

/**
 * Requires that the mirror has scanned an image, and found nothing that its rule blocks. The
 * image's manifests are there, but no tag and no mapping names them.
 *
 * @throws JobWait scan_pending; ContentRefused; RegistryError of the mirror
 */
export async function requireScanned(
  { job, rule, repository }: MirrorWork,
  { mirror }: Pick<Seen, 'mirror'>,
  plan: CopyPlan,
  deps: Dependencies,
  signal: AbortSignal,
): Promise<void> {
  const { scan } = rule.require ?? {};
  if (scan === undefined) return;
  const image = formatImageKey(job.key);
  const images = runnableImages(plan);
  const untold =
    images.length === 0 || unknownManifests(plan).length > 0
      ? 'it contains something other than container images, and only those are scanned'
      : images.length > mostScanned
        ? `it has ${images.length} images, and Drayage waits for the scans of at most ${mostScanned}`
        : undefined;
  if (untold !== undefined) throw unavailable(image, rule.match, untold);
  await mirror.destination.putManifest(plan.root, plan.root.digest, { signal });
  const digests = images.map(({ manifest }) => manifest.digest);
  const ask = (of: Digest[]) => askScans({ repository, digests: of, scan }, deps, signal);
  let verdict = await ask(digests);
  const { digest } = plan.root;
  const now = deps.now();
  const since = job.scanning?.digest === digest ? job.scanning.since : now.toISOString();
  if (verdict.kind === 'pending' && now < overAt(since, scan)) {
    const { waits } = portsOf(deps);
    await Promise.all(
      verdict.digests.map((pending) => waits.add({ repository, digest: pending }, job.id, now)),
    );
    // An event that came before the job was recorded to wait for it woke nobody.
    verdict = await ask(digests);
    if (verdict.kind === 'pending') throw await scanPending(job, { ...verdict, digest, since, scan }, deps);
  }
  if (verdict.kind === 'passed') return;
  if (verdict.kind === 'blocked')
    throw new ContentRefused('scan_blocked', {
      image,
      detail: `${verdict.detail}; its rule blocks ${scan.block} and above`,
      remedy: `use an image without these findings, or change require.scan of the rule ${rule.match} in mirror.yaml; the mapping keeps its old value. The findings: aws ecr describe-image-scan-findings`,
    });
  const detail =
    verdict.kind === 'pending'
      ? `its scan is not finished after ${scan.waitSeconds} seconds: ${verdict.reason}`
      : verdict.detail;
  throw unavailable(image, rule.match, detail);
}

type Scan = NonNullable<ContentRequirements['scan']>;

async function askScans(
  { repository, digests, scan }: { repository: string; digests: Digest[]; scan: Scan },
  deps: Dependencies,
  outer: AbortSignal,
): Promise<ScanVerdict> {
  const { scans } = portsOf(deps);
  const results = await inParallel(
    digests,
    scansAtOnce,
    async (digest, signal) => ({ digest, result: await scans.result(repository, digest, { signal }) }),
    outer,
  );
  return judgeScans(results, scan);
}

/** Records what the job waits for, and makes the error that lets it wait. */
async function scanPending(
  job: JobRecord,
  pending: { digests: Digest[]; reason: string; digest: Digest; since: string; scan: Scan },
  { jobs, now }: Dependencies,
): Promise<JobWait> {
  const { digest, since, digests, reason, scan } = pending;
  await jobs.update(job.id, { scanning: { digest, since, pending: digests } });
  const at = now().getTime();
  const pause = Math.min(longestPauseMs, Math.max(shortestPauseMs, (at - Date.parse(since)) / 2));
  const until = new Date(Math.min(at + pause, overAt(since, scan).getTime()));
  return new JobWait('scan_pending', {
    until,
    message: `${formatImageKey(job.key)}: it was copied, but its scan is not finished: ${reason}`,
    remedy: 'none needed: the job continues when the scan is finished',
  });
}

function overAt(since: string, { waitSeconds }: Scan): Date {
  return new Date(Date.parse(since) + waitSeconds * 1_000);
}

function unavailable(image: string, match: string, detail: string): ContentRefused {
  return new ContentRefused('scan_unavailable', {
    image,
    detail,
    remedy: `see the image's scan in Amazon ECR; if it can't be scanned, take require.scan out of the rule ${match} in mirror.yaml, or give the image a rule of its own. If the scan only took too long, raise require.scan.wait, and request the image again`,
  });
}

/** A deployment without them would mirror what must not be. */
function portsOf({ requirements }: Dependencies): RequirementPorts {
  if (requirements === undefined) throw new Error('this process can check neither ages nor scans');
  return requirements;
}

import type { Config, Retention } from '../config/config.ts';
import { DrayageError } from '../errors.ts';
import { newJobId } from '../jobs/record.ts';
import { mirrorRepository } from '../policy/mirror-repository.ts';
import { ruleSelector } from '../policy/select-image.ts';
import {
  type Cleaned,
  type CleaningDependencies,
  cleanRepository,
  type RepositoryToClean,
} from './clean-repository.ts';
import type { Place } from './ports.ts';

/** One walk through the repositories that rules with `retention` cover. */
export interface Pass {
  id: string;
  /** ISO 8601. */
  askedAt: string;
  /** Only report what would be deleted. */
  dryRun: boolean;
  /** Absent: all of them. */
  place?: Place;
  /** Everything up to this repository is done, as `registry/repository`. */
  after?: string;
  /** The repository that was begun last, and how often. */
  begun?: { repository: string; times: number };
  finishedAt?: string;
  totals: { repositories: number; images: number; bytes: number; failed: number };
}

/** What a pass did in one repository. */
export interface RepositoryReport {
  /** `registry/repository` */
  repository: string;
  mirrorRepository: string;
  /** How many images were, or would be, deleted. */
  count: number;
  /** At most so many bytes. */
  bytes: number;
  /** The images, the oldest first; not all if there are very many. */
  images: Cleaned['images'];
  kept: Cleaned['kept'];
  failed?: NonNullable<Cleaned['failed']>;
  /** Why nothing, or not everything, could be done. */
  error?: { code: string; message: string };
}

/** Where passes are recorded. */
export interface PassStore {
  lock(owner: string, ttlMs: number, now: Date): Promise<boolean>;
  unlock(owner: string): Promise<void>;
  save(pass: Pass): Promise<void>;
  read(id: string): Promise<Pass | undefined>;
  /** Those that are not finished, the oldest first. */
  open(): Promise<Pass[]>;
  /** When the next pass begins by itself; undefined: nobody has said so yet. */
  nextAt(): Promise<string | undefined>;
  setNextAt(at: string): Promise<void>;
  report(id: string, report: RepositoryReport): Promise<void>;
  /** In the order of their names. */
  reports(id: string, after: string, limit: number): Promise<RepositoryReport[]>;
}

/** What a pass works with, besides what cleaning up needs. */
export interface PassDependencies extends CleaningDependencies {
  passes: PassStore;
  /** Tells others what was deleted. */
  tell: (pass: Pass, report: RepositoryReport) => Promise<void>;
  warn: (message: string, error: unknown) => void;
}

/** How long after the latest pass the next one begins, milliseconds. */
export const passEveryMs = 24 * 3_600_000;
/** A repository that used up all time or memory so often is left to the next pass. */
const mostAttempts = 3;
/** Images that a report lists, and tags of each: an item of the table has at most 400 kB. */
const mostListed = 200;
const mostTags = 5;

/** Whether any rule lets images be deleted. */
export function hasRetention({ upstreams }: Pick<Config, 'upstreams'>): boolean {
  return upstreams.some(({ repositories }) => repositories.some(({ retention }) => retention !== undefined));
}

/** A new pass that is to begin as soon as possible. */
export function newPass({
  dryRun,
  place,
  now,
}: {
  dryRun: boolean;
  place?: Place | undefined;
  now: Date;
}): Pass {
  const totals = { repositories: 0, images: 0, bytes: 0, failed: 0 };
  return {
    id: newJobId(now.getTime()),
    askedAt: now.toISOString(),
    dryRun,
    ...(place && { place }),
    totals,
  };
}

/**
 * Begins or continues the passes that are open, until they are done or the time is used up. Once a
 * day, a pass opens by itself; the first one a day after retention was configured, also if it had
 * been before, so that there is time for a dry run.
 */
export async function runPasses(
  deps: PassDependencies,
  limits: { endsAt: number; signal: AbortSignal },
): Promise<Pass['totals']> {
  const { passes, now } = deps;
  const next = await passes.nextAt();
  const time = now();
  if (next === undefined || next <= time.toISOString()) {
    // Every minute, somebody looks. If nobody has for a day, no rule had retention.
    const isNew = next === undefined || time.getTime() - Date.parse(next) >= passEveryMs;
    // What the latest one has not done yet, it still does.
    const isUnderWay = (await passes.open()).some(({ dryRun, place }) => !dryRun && !place);
    if (!isNew && !isUnderWay) await passes.save(newPass({ dryRun: false, now: time }));
    await passes.setNextAt(new Date(time.getTime() + passEveryMs).toISOString());
  }
  const done = { repositories: 0, images: 0, bytes: 0, failed: 0 };
  for (const pass of await passes.open()) {
    const outcome = await continuePass(pass, deps, limits, done);
    if (outcome === 'cut') break;
  }
  return done;
}

async function continuePass(
  pass: Pass,
  deps: PassDependencies,
  limits: { endsAt: number; signal: AbortSignal },
  done: Pass['totals'],
): Promise<'done' | 'cut'> {
  const { config, passes, now } = deps;
  let current = pass;
  const works = await repositoriesOf(pass, deps);
  for (const { name, place, rule } of works) {
    if (pass.after !== undefined && name <= pass.after) continue;
    limits.signal.throwIfAborted();
    if (now().getTime() >= limits.endsAt) return 'cut';
    const mirror = mirrorRepository(config, place.registry, place.repository);
    const work = { place, mirrorRepository: mirror, retention: rule, dryRun: pass.dryRun };
    const times = current.begun?.repository === name ? current.begun.times + 1 : 1;
    const begun = { repository: name, times };
    // Recorded first: a repository that kills the function must not stop the others for good.
    await passes.save({ ...current, begun });
    const report = times > mostAttempts ? givenUp(work, name) : await cleaned(name, work, deps, limits);
    await passes.report(pass.id, report);
    await deps.tell(pass, report);
    // What is left of the repository is done by who goes on with the pass.
    limits.signal.throwIfAborted();
    const { totals } = current;
    const { count: images, bytes } = report;
    const failed = (report.error ? 1 : 0) + (report.failed?.count ?? 0);
    const added = (to: Pass['totals']) => ({
      repositories: to.repositories + 1,
      images: to.images + images,
      bytes: to.bytes + bytes,
      failed: to.failed + failed,
    });
    Object.assign(done, added(done));
    current = { ...current, begun, after: name, totals: added(totals) };
    await passes.save(current);
  }
  await passes.save({ ...current, finishedAt: now().toISOString() });
  return 'done';
}

/** The repositories of a pass, in the order of their names. */
async function repositoriesOf(
  { place: only }: Pass,
  { config, mappings }: PassDependencies,
): Promise<{ name: string; place: Place; rule: Retention }[]> {
  const found: { name: string; place: Place; rule: Retention }[] = [];
  for (const upstream of config.upstreams) {
    const { registry } = upstream;
    if (!hasRetention({ upstreams: [upstream] })) continue;
    const ruleOf = ruleSelector(upstream);
    for await (const repository of mappings.repositoriesOf(registry)) {
      if (only && (only.registry !== registry || only.repository !== repository)) continue;
      const rule = ruleOf(repository)?.retention;
      if (rule) found.push({ name: `${registry}/${repository}`, place: { registry, repository }, rule });
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What nobody could finish. */
function givenUp({ mirrorRepository }: RepositoryToClean, repository: string): RepositoryReport {
  const message = `${mostAttempts} attempts ended without a result, as they do when the time or the memory of the function is used up`;
  return { ...nothingOf(repository, mirrorRepository), error: { code: 'GIVEN_UP', message } };
}

function nothingOf(repository: string, mirrorRepository: string): RepositoryReport {
  return { repository, mirrorRepository, count: 0, bytes: 0, images: [], kept: {} };
}

/** Cleans up one repository. A failure is about this one: the others go on. */
async function cleaned(
  repository: string,
  work: RepositoryToClean,
  deps: PassDependencies,
  limits: { endsAt: number; signal: AbortSignal },
): Promise<RepositoryReport> {
  const { mirrorRepository: mirror } = work;
  const none = nothingOf(repository, mirror);
  try {
    const { images, isCut, ...outcome } = await cleanRepository(work, deps, limits);
    return {
      ...none,
      ...outcome,
      count: images.length,
      images: images.slice(0, mostListed).map((image) => ({ ...image, tags: image.tags.slice(0, mostTags) })),
      ...(isCut && { error: { code: 'CUT', message: 'the time was used up: the next pass does the rest' } }),
    };
  } catch (error) {
    limits.signal.throwIfAborted();
    deps.warn(`${mirror} could not be cleaned up`, error);
    const code = error instanceof DrayageError ? error.code : 'INTERNAL';
    const message = error instanceof Error ? error.message : String(error);
    return { ...none, error: { code, message: message.slice(0, 1_000) } };
  }
}

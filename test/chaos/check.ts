import type { Config, RepositoryRule } from '../../core/config/config.ts';
import { isFinished } from '../../core/jobs/record.ts';
import { formatImageKey, isDigestKey, type StoredMapping } from '../../core/mapping/record.ts';
import type { MappedTag } from '../../core/mapping/store.ts';
import { policyFingerprint } from '../../core/policy/fingerprint.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';
import { ruleSelector } from '../../core/policy/select-image.ts';
import { compileTagFilter } from '../../core/policy/select-tags.ts';
import { checkRetention } from './check-retention.ts';
import { places, unconfigured } from './plan.ts';
import { Puller } from './pull.ts';
import { registries, type UpstreamName } from './rules.ts';
import { allJobs, countOf, queueNames } from './settle.ts';
import type { StormNotes } from './storm.ts';
import type { World } from './world.ts';

/** What was checked, and what is wrong. */
export interface Verdict {
  tags: number;
  mappings: number;
  pulled: number;
  /** How many jobs are in which state; failed ones by their code. */
  jobs: Record<string, number>;
  /** How many images retention has deleted. */
  retired: number;
  violations: string[];
}

/** Checks that nothing is lost: everything that must hold once the mirror has been compared. */
export async function check(world: World, notes: StormNotes): Promise<Verdict> {
  const config = world.upstreams.config('second');
  const mapped: StoredMapping[] = [];
  for await (const each of world.stores.mappings.all()) mapped.push(each);
  const puller = new Puller(world.mirror.endpoint);
  const wanted = wantedTags(world, config);
  const jobs = await allJobs(world);
  const retention = notes.aged && (await checkRetention(world, notes.aged, puller));
  const violations = [
    ...(await mappedAsWanted(world, config, wanted, notes)),
    ...(await pulled(puller, mapped)),
    ...tagsAgree(world, config, mapped, wanted),
    ...onlyConfigured(world, notes),
    ...jobs
      .filter((job) => !isFinished(job))
      .map((job) => `job ${job.id} of ${formatImageKey(job.key)} is ${job.state}`),
    ...queueNames.flatMap((name) => {
      const count = countOf(world, name);
      return count === 0 ? [] : [`the queue ${name} has ${count} messages`];
    }),
    ...nothingDeleted(world, notes),
    ...(retention?.violations ?? []),
  ];
  const states = Map.groupBy(jobs, ({ state, error }) =>
    state === 'failed' ? `failed with ${error?.code}` : state,
  );
  return {
    tags: wanted.length,
    mappings: mapped.length,
    pulled: puller.count,
    retired: retention?.images ?? 0,
    jobs: Object.fromEntries([...states].map(([state, of]) => [state, of.length])),
    violations,
  };
}

interface WantedTag {
  registry: string;
  repository: string;
  tag: string;
  digest: string;
  rule: RepositoryRule;
}

/** The tags that the upstreams have now and the configuration asks for. */
function wantedTags({ upstreams }: World, config: Config): WantedTag[] {
  return Object.entries(upstreams.registries).flatMap(([name, upstream]) => {
    const registry = registries[name as UpstreamName];
    const ofRegistry = config.upstreams.find((each) => each.registry === registry);
    const ruleOf = ofRegistry ? ruleSelector(ofRegistry) : () => undefined;
    return upstream.repositories().flatMap((repository) => {
      const rule = ruleOf(repository);
      if (rule === undefined) return [];
      const filter = compileTagFilter(rule);
      return upstream.tags(repository).flatMap((tag) => {
        const digest = upstream.tag(repository, tag);
        return filter(tag).selected && digest ? [{ registry, repository, tag, digest, rule }] : [];
      });
    });
  });
}

/** Every tag that is asked for is mapped to upstream's digest, by the rule as it is now. */
async function mappedAsWanted(
  world: World,
  config: Config,
  wanted: WantedTag[],
  { aged }: StormNotes,
): Promise<string[]> {
  const violations: string[] = [];
  const byRepository = Map.groupBy(wanted, ({ registry, repository }) => `${registry}/${repository}`);
  for (const [name, tags] of byRepository) {
    const [first] = tags;
    if (first === undefined) continue;
    const { registry, repository, rule } = first;
    const mapped = new Map<string, MappedTag>();
    for await (const each of world.stores.mappings.mappedTags({ registry, repository }))
      mapped.set(each.tag, each);
    for (const { tag, digest } of tags) {
      const found = mapped.get(tag);
      const pinned = aged?.pinned.get(`${name}:${tag}`);
      if (pinned !== undefined) {
        if (found?.digest !== pinned || !found.pin)
          violations.push(`${name}:${tag} is pinned to ${pinned}, and mapped to ${found?.digest}`);
      } else if (found?.sourceDigest !== digest)
        violations.push(`${name}:${tag} is ${digest} upstream, and mapped to ${found?.sourceDigest}`);
      else if (found.fingerprint !== policyFingerprint(rule))
        violations.push(`${name}:${tag} was mirrored by a rule that is replaced`);
      else if (found.mirrorRepository !== mirrorRepository(config, registry, repository))
        violations.push(`${name}:${tag} is mapped to ${found.mirrorRepository}`);
    }
    const known = new Set(tags.map(({ tag }) => tag));
    const filter = compileTagFilter(rule);
    if (rule.deleted === 'unmap')
      for (const { tag, sourceDigest } of mapped.values())
        if (
          !known.has(tag) &&
          !aged?.pinned.has(`${name}:${tag}`) &&
          filter(tag).selected &&
          sourceDigest !== undefined
        )
          violations.push(`${name}:${tag} was deleted upstream, and is still mapped`);
  }
  return violations;
}

async function pulled(puller: Puller, mapped: StoredMapping[]): Promise<string[]> {
  const violations: string[] = [];
  for (const { key, mapping } of mapped) {
    const reference = isDigestKey(key) ? mapping.digest : key.reference;
    for (const problem of await puller.pull(mapping.mirrorRepository, reference, mapping.digest))
      violations.push(`${formatImageKey(key)} can't be pulled: ${problem}`);
  }
  return violations;
}

/**
 * The mirror's tags are those that are mapped. A tag without a mapping may stay only if the
 * upstream, or the configuration, has it no longer.
 */
function tagsAgree(
  { mirror }: World,
  config: Config,
  mapped: StoredMapping[],
  wanted: WantedTag[],
): string[] {
  const violations: string[] = [];
  for (const { key, mapping } of mapped) {
    if (isDigestKey(key)) continue;
    const held = mirror.tag(mapping.mirrorRepository, key.reference);
    if (held !== mapping.digest)
      violations.push(
        `${formatImageKey(key)} is mapped to ${mapping.digest}, and the mirror's tag is ${held}`,
      );
  }
  const tags = new Set(mapped.map(({ key, mapping }) => `${mapping.mirrorRepository}:${key.reference}`));
  for (const { registry, repository, tag } of wanted) {
    const place = `${mirrorRepository(config, registry, repository)}:${tag}`;
    if (!tags.has(place)) violations.push(`${place} is asked for, and not mapped`);
  }
  return violations;
}

/** No repository that no rule names was asked for, or has a place in the mirror. */
function onlyConfigured({ upstreams, mirror }: World, { deployedAt, aloneAt }: StormNotes): string[] {
  const violations: string[] = [];
  const named = (prefix: string, list = places) =>
    list.filter(({ repository }) => repository.startsWith(prefix)).map(({ repository }) => repository);
  for (const [name, { requests }] of Object.entries(upstreams.registries)) {
    const reads = requests.map(({ method, path }) => (isRead(method, path) ? path : ''));
    const never = (repositories: string[], paths: string[], when: string) => {
      for (const repository of repositories) {
        const path = paths.find((each) => each.startsWith(`/v2/${repository}/`));
        if (path) violations.push(`${name} was asked for ${path} ${when}`);
      }
    };
    never(named('', unconfigured), reads, 'although no rule names it');
    never(named('extra/'), reads.slice(0, deployedAt?.[name]), 'before a rule named it');
    if (aloneAt) never(named('legacy/'), reads.slice(aloneAt[name]), 'after its rule was removed');
  }
  const allowed = new Set(
    places.map(({ upstream, repository }) => `mirror/${registries[upstream]}/${repository}`),
  );
  for (const repository of mirror.repositories()) {
    if (!allowed.has(repository)) violations.push(`the mirror has ${repository}, which nothing names`);
    for (const tag of mirror.tags(repository))
      if (tag.endsWith('-rc1') && repository.startsWith('mirror/ghcr.io/acme/app'))
        violations.push(`the mirror has ${repository}:${tag}, which the rule leaves out`);
  }
  return violations;
}

/** What functions send, and pushes do not. */
function isRead(method: string, path: string): boolean {
  return method === 'GET' || (method === 'HEAD' && path.includes('/manifests/'));
}

/**
 * Before retention may begin, the functions delete nothing: only the console has. What they give up
 * are uploads.
 */
function nothingDeleted({ mirror }: World, { deletionRequests, aged }: StormNotes): string[] {
  const deletions = mirror.requests.filter(
    ({ method, path, operation }) =>
      (method === 'DELETE' && !path.includes('/blobs/uploads/')) || operation === 'DeleteRepository',
  );
  const images = mirror.requests
    .slice(0, aged?.requestsBefore)
    .filter(({ operation }) => operation === 'BatchDeleteImage').length;
  return [
    ...deletions.map(({ method, path, operation }) => `a function sent ${operation ?? `${method} ${path}`}`),
    ...(images > deletionRequests ? [`functions deleted images ${images - deletionRequests} times`] : []),
  ];
}

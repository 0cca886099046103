import { durationSeconds } from '../config/duration.ts';
import { shown } from '../config/fields.ts';
import { ecrHostOf } from '../registry/known-registries.ts';
import { publishedRanges } from '../webhooks/authenticity/published-ranges.ts';
import { findSource, sources } from '../webhooks/sources/index.ts';
import { EarlierRules } from './earlier-rules.ts';
import { explain, type Finding } from './explain.ts';
import { defaultEndpointName } from './notify-schema.ts';
import type { YamlDocument, YamlPath } from './read-yaml.ts';
import { requireFindings } from './rules/require.ts';

/**
 * The rules that concern several fields. They check the file as written, so that all errors are
 * reported at once. They skip values of the wrong type, which the schema reports.
 */
export function crossFieldFindings(document: YamlDocument): Finding[] {
  const upstreams = list(at(document.value, ['upstreams']));
  return [
    ...duplicates(
      document,
      upstreams.map((upstream, index) => ({
        path: ['upstreams', index, 'registry'],
        value: at(upstream, ['registry']),
      })),
      (registry, line) =>
        `the registry ${shown(registry)} is already configured in line ${line}; put all its rules into one upstream`,
    ),
    ...duplicates(
      document,
      upstreams.flatMap(webhookPaths).map((path) => webhookName(document, path)),
      (name, line) =>
        `the webhook name ${shown(name)} is already used in line ${line}; give each webhook its own name (it is part of the URL, and defaults to the source’s name)`,
    ),
    ...duplicates(
      document,
      list(at(document.value, ['notify'])).map(endpointName),
      (name, line) =>
        `the endpoint name ${shown(name)} is already used in line ${line}; give each endpoint its own name (it defaults to the host of the URL)`,
    ),
    ...upstreams.flatMap((upstream, index) => [
      ...credentialsFindings(upstream, index),
      ...webhookPaths(upstream, index).flatMap((path) => webhookFindings(upstream, path, document)),
      ...ruleFindings(upstream, ['upstreams', index, 'repositories'], document),
      ...list(at(upstream, ['repositories'])).flatMap((_, rule) =>
        requireFindings((path) => at(document.value, path), ['upstreams', index, 'repositories', rule]),
      ),
    ]),
    ...lifecycleFindings(document.value),
  ];
}

/** A value that must be unique, and its place. */
interface Place {
  path: YamlPath;
  value: unknown;
}

function duplicates(
  document: YamlDocument,
  places: Place[],
  message: (value: string, line: number) => string,
): Finding[] {
  const first = new Map<string, YamlPath>();
  return places.flatMap(({ path, value }): Finding[] => {
    if (typeof value !== 'string') return [];
    const before = first.get(value);
    if (before !== undefined) return [{ path, message: message(value, document.locate(before).line) }];
    first.set(value, path);
    return [];
  });
}

/** Where an upstream's webhooks are: the one under `webhook`, and those in the list `webhooks`. */
function webhookPaths(upstream: unknown, index: number): YamlPath[] {
  const base: YamlPath = ['upstreams', index];
  const single = at(upstream, ['webhook']) === undefined ? [] : [[...base, 'webhook']];
  return [...single, ...list(at(upstream, ['webhooks'])).map((_, n): YamlPath => [...base, 'webhooks', n])];
}

function webhookName(document: YamlDocument, path: YamlPath): Place {
  const webhook = at(document.value, path);
  return { path: [...path, 'name'], value: at(webhook, ['name']) ?? at(webhook, ['source']) };
}

/** Where an endpoint's name is written: in the URL, if it has no other. */
function endpointName(endpoint: unknown, index: number): Place {
  const name = at(endpoint, ['name']);
  if (name !== undefined) return { path: ['notify', index, 'name'], value: name };
  const url = at(endpoint, ['url']);
  return {
    path: ['notify', index, 'url'],
    value: typeof url === 'string' ? defaultEndpointName(url) : undefined,
  };
}

/** A role gives access to Amazon ECR, and to nothing else. */
function credentialsFindings(upstream: unknown, index: number): Finding[] {
  const registry = at(upstream, ['registry']);
  const { type, roleArn } = (at(upstream, ['credentials']) ?? {}) as Record<string, unknown>;
  if (type !== 'ecr' || typeof roleArn !== 'string' || typeof registry !== 'string') return [];
  if (ecrHostOf(registry) !== undefined) return [];
  const message = `is of type ecr, but ${shown(registry)} is not a private registry of Amazon ECR (<account>.dkr.ecr.<region>.amazonaws.com); name a secret instead: { secret: … }`;
  return [{ path: ['upstreams', index, 'credentials'], message }];
}

function webhookFindings(upstream: unknown, path: YamlPath, document: YamlDocument): Finding[] {
  const webhook = at(document.value, path);
  const name = at(webhook, ['source']);
  const registry = at(upstream, ['registry']);
  const options = at(webhook, ['options']) ?? {};
  const optionsPath = [...path, 'options'];
  const source = typeof name === 'string' ? findSource(name) : undefined;
  if (source === undefined) return [];
  const findings: Finding[] = [];
  const other = sources.find(({ home }) => home !== undefined && home === registry);
  if (source.home !== undefined && other !== undefined && other !== source)
    findings.push({
      path: [...path, 'source'],
      message: `${shown(name)} reports events of ${source.home}, but this upstream is ${registry}; write ${other.name}, or put the webhook under ${source.home}`,
    });
  if (at(webhook, ['allow']) === 'published' && !publishedRanges.has(source.name))
    findings.push({
      path: [...path, 'allow'],
      message: `is published, but ${source.title} publishes no addresses of its webhooks; list its ranges, for example [192.0.2.0/24] (published is for ${[...publishedRanges.keys()].join(' and ')})`,
    });
  if (typeof options !== 'object' || Array.isArray(options)) return findings;
  const parsed = source.optionsSchema.safeParse(options);
  if (!parsed.success)
    findings.push(
      ...explain(parsed.error.issues, source.optionsSchema, options, optionsPath, document.source),
    );
  return findings;
}

function ruleFindings(upstream: unknown, path: YamlPath, document: YamlDocument): Finding[] {
  const registry = at(upstream, ['registry']);
  const earlier = new EarlierRules();
  return list(at(upstream, ['repositories'])).flatMap((rule, index): Finding[] => {
    const match = at(rule, ['match']);
    if (typeof match !== 'string') return [];
    const matchPath = [...path, index, 'match'];
    const finding = (message: string): Finding[] => [{ path: matchPath, message }];
    if (typeof registry === 'string' && match.startsWith(`${registry}/`))
      return finding(
        `${shown(match)} begins with the registry; write ${shown(match.slice(registry.length + 1))}`,
      );
    if (registry === 'docker.io' && !match.includes('/') && !match.includes('**'))
      return finding(
        `${shown(match)} matches nothing: repositories at Docker Hub have two components; write ${shown(`library/${match}`)} for official images`,
      );
    const before = earlier.reaching(match);
    if (before === undefined) {
      earlier.add({ match, index });
      return [];
    }
    const line = document.locate([...path, before.index, 'match']).line;
    return finding(
      before.match === match
        ? `is never reached: the rule in line ${line} has the same match, and the first one wins; merge them into one`
        : `is never reached: the rule in line ${line} matches all of it (${shown(before.match)}), and the first one wins; move this one before it, or remove it`,
    );
  });
}

/**
 * Rolling back needs older digests, which are untagged. A rule that expires images by count may
 * remove one of any age, so it must not select untagged ones.
 */
function lifecycleFindings(file: unknown): Finding[] {
  const written = at(file, ['mirror', 'history']) ?? '30d';
  const history = typeof written === 'string' ? durationSeconds(written) : undefined;
  const path = ['mirror', 'repository', 'lifecycle'];
  const priorities = new Map<unknown, number>();
  return list(at(file, path)).flatMap((rule, index): Finding[] => {
    const findings: Finding[] = [];
    const priority = at(rule, ['rulePriority']);
    const same = priorities.get(priority);
    if (priority !== undefined && same !== undefined)
      findings.push({
        path: [...path, index, 'rulePriority'],
        message: `is also that of lifecycle[${same}]; ECR requires a different priority for each rule`,
      });
    else priorities.set(priority, index);

    const untagged = ['untagged', 'any'].includes(String(at(rule, ['selection', 'tagStatus'])));
    if (!untagged || at(rule, ['action', 'type']) !== 'expire') return findings;
    const countType = at(rule, ['selection', 'countType']);
    const days = at(rule, ['selection', 'countNumber']);
    if (typeof countType === 'string' && !countType.startsWith('since'))
      findings.push({
        path: [...path, index, 'selection', 'countType'],
        message: `${shown(countType)} may expire untagged images that are still within the history (${written}); select tagged images, or count since they were pushed`,
      });
    else if (typeof days === 'number' && history !== undefined && days * 86_400 < history)
      findings.push({
        path: [...path, index, 'selection', 'countNumber'],
        message: `expires untagged images after ${days} days, which is within the history (${written}); write at least ${Math.ceil(history / 86_400)}, or shorten mirror.history`,
      });
    return findings;
  });
}

function at(value: unknown, path: YamlPath): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string | number, unknown>)[key];
  }
  return found;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

import { webhookValue } from '../mirror-yaml/config-text.ts';
import { registryProblem } from '../mirror-yaml/upstream-schema.ts';
import { ecrHostOf } from '../registry/known-registries.ts';

/** Why images of a registry need no rule, or can have none. */
export interface Exemption {
  /**
   * `near`: they are in Amazon ECR of the mirror’s region; `private`: they are in another ECR
   * registry, which needs a login that lasts; `node`: only the node itself reaches them; `name`:
   * the registry can’t be named in mirror.yaml.
   */
  why: 'near' | 'private' | 'node' | 'name';
  reason: string;
}

/** Why a registry has no place in mirror.yaml; undefined if it has. */
export function exemptionOf(registry: string, regions: readonly string[]): Exemption | undefined {
  const ecr = ecrHostOf(registry);
  if (ecr?.region !== undefined && regions.includes(ecr.region))
    return { why: 'near', reason: `they are in Amazon ECR in ${ecr.region} already` };
  if (ecr)
    return {
      why: 'private',
      reason: `they are in Amazon ECR in ${ecr.region}, whose logins last twelve hours; ECR can replicate them itself`,
    };
  if (/^(localhost|127\.[\d.]+|\[(0*:)*:?0*1\])(:\d+)?$/.test(registry))
    return { why: 'node', reason: 'only the node itself reaches this registry' };
  const problem = registryProblem(registry);
  return problem === undefined ? undefined : { why: 'name', reason: problem };
}

/** Public registries whose webhooks only their operators can enter. */
const withoutWebhooks: readonly [RegExp, string][] = [
  [/^(registry\.k8s\.io|k8s\.gcr\.io|registry\.opensource\.zalan\.do)$/, 'the Kubernetes project'],
  [/^public\.ecr\.aws$/, 'each publisher’s own AWS account'],
  [/^mcr\.microsoft\.com$/, 'Microsoft'],
  [/^nvcr\.io$/, 'NVIDIA'],
  [/^docker\.elastic\.co$/, 'Elastic'],
  [/^registry\.(access\.)?redhat\.(com|io)$/, 'Red Hat'],
  [/^registry\.connect\.redhat\.com$/, 'Red Hat'],
  [/^container-registry\.oracle\.com$/, 'Oracle'],
  [/^icr\.io$/, 'IBM'],
];

/** Kinds of registries that names often tell. */
const guesses: readonly [RegExp, string][] = [
  [/harbor/, 'harbor'],
  [/gitlab/, 'gitlab'],
  [/nexus/, 'nexus'],
  [/artifactory|jfrog/, 'artifactory'],
  [/gitea/, 'gitea'],
  [/forgejo|codeberg/, 'forgejo'],
  [/quay/, 'quay'],
  [/\bzot\b/, 'zot'],
];

/** Lines about the webhook of a registry. */
export function webhookLines(
  registry: string,
  repositories: readonly string[],
  all: readonly string[],
): string[] {
  const onDemand = 'Until a webhook reports them, mirror images on demand: drayage mirror IMAGE.';
  const owner = withoutWebhooks.find(([pattern]) => pattern.test(registry))?.[1];
  if (owner !== undefined)
    return [`# No webhook: only ${owner} could enter one. Mirror on demand: drayage mirror IMAGE.`];
  const value = webhookValue(registry, all);
  if (registry === 'docker.io' && repositories.every((repository) => repository.startsWith('library/')))
    return [
      '# No webhook: Docker enters those of official images. Mirror on demand: drayage mirror IMAGE.',
      `# webhook: ${value}    # for repositories of your own`,
    ];
  if (value !== undefined)
    return [
      `webhook: ${value}    # drayage webhooks list says where to enter it`,
      '# Only who administers a repository can enter it there; mirror others on demand: drayage mirror IMAGE.',
    ];
  if (/(^|\.)(gcr\.io|pkg\.dev)$/.test(registry))
    return [
      '# A webhook needs the Google Cloud project of the images to be yours; write the service account that pushes.',
      '# webhook: { source: gar, options: { email: push@project.iam.gserviceaccount.com } }',
    ];
  const guess = guesses.find(([pattern]) => pattern.test(registry))?.[1];
  return [
    guess === undefined
      ? `# What kind of registry is it? docs/webhooks has the sources. ${onDemand}`
      : `# Its name sounds like ${guess}: if it is, and yours, use this line. ${onDemand}`,
    `# webhook: { source: ${guess ?? 'generic'} }`,
  ];
}

/** What to know before the functions can reach a registry. */
export function reachNotes(registry: string): string[] {
  const host = registry.replace(/:\d+$/, '');
  const isPrivate =
    /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cde])/.test(host) ||
    /\.(internal|local|lan|corp|intranet|home\.arpa|svc)$/.test(host) ||
    !/[.:]/.test(host);
  if (!isPrivate) return [];
  return [
    'Its address looks private: the functions must reach it, see docs/clusters.md#registries-in-private-networks.',
    `If it speaks plain HTTP, add: endpoint: http://${registry}`,
  ];
}

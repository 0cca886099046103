import { ecrHostOf } from '../registry/known-registries.ts';
import { sources } from '../webhooks/sources/index.ts';

/** What a new mirror.yaml says, besides what all of them do. */
export interface ConfigText {
  /** Comments at its beginning, one for each line. */
  head: readonly string[];
  region: string;
  /** A comment on the region. */
  regionNote?: string;
  repositoryPrefix?: string;
  /** Comments above the first upstream. */
  notes?: readonly string[];
  upstreams: readonly UpstreamText[];
  /** Comments at its end. */
  foot?: readonly string[];
}

/** An upstream, as it is written. */
export interface UpstreamText {
  registry: string;
  /** Comments above it. */
  notes?: readonly string[];
  /** What else to know about its credentials. */
  credentialsNote?: string;
  /** Lines about its webhook: the setting, or comments. */
  webhook: readonly string[];
  /** Comments above the rules. */
  rulesNotes?: readonly string[];
  rules: readonly RuleText[];
}

/** A rule, as it is written. */
export interface RuleText {
  match: string;
  /** A comment in the line of `match`. */
  note?: string;
  /** Its other lines: settings, or comments. */
  lines: readonly string[];
}

/** The text of a mirror.yaml. It is valid if what is in it is; comments stay comments. */
export function configText(text: ConfigText): string {
  const { head, region, regionNote, repositoryPrefix = 'mirror', notes = [], upstreams, foot = [] } = text;
  return [
    ...head.map(comment),
    'version: 1',
    '',
    'mirror:',
    '  # Images arrive in the ECR registry of this region, as <registry>/mirror/docker.io/library/nginx.'.replace(
      '/mirror/',
      `/${repositoryPrefix}/`,
    ),
    `  regions: [${region}]${regionNote === undefined ? '' : `    ${comment(regionNote)}`}`,
    `  repositoryPrefix: ${repositoryPrefix}`,
    '',
    'upstreams:',
    ...notes.map((note) => `  ${comment(note)}`),
    upstreams.map(upstreamText).join('\n'),
    ...(foot.length === 0 ? [] : [...foot.map(comment), '']),
  ].join('\n');
}

function upstreamText(upstream: UpstreamText): string {
  const { registry, notes = [], credentialsNote, webhook, rulesNotes = [], rules } = upstream;
  const secret = registry.replaceAll(/[[\]:]+/g, '-').replace(/^-+/, '');
  const lines = [
    ...notes.map((note) => `  ${comment(note)}`),
    // Brackets begin a list, and 1.5 a number.
    `  - registry: ${/^[a-z][a-z0-9.-]*(:\d+)?$/.test(registry) ? registry : JSON.stringify(registry)}`,
    `    # credentials: { secret: drayage/${secret} }    # {username, password} in Secrets Manager; default: anonymous`,
    ...(credentialsNote === undefined ? [] : [`    ${comment(credentialsNote)}`]),
    ...webhook.map((line) => `    ${line}`),
    '    repositories:',
    ...rulesNotes.map((note) => `      ${comment(note)}`),
    ...rules.flatMap(ruleLines),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function ruleLines({ match, note, lines }: RuleText): string[] {
  return [
    `      - match: ${JSON.stringify(match)}${note === undefined ? '' : `    ${comment(note)}`}`,
    ...lines.map((line) => `        ${line}`),
  ];
}

/** A comment of one line. The braces of `${` would be taken for a variable. */
export function comment(text: string): string {
  return `# ${text}`
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll('${', '$ {')
    .trimEnd();
}

/** The value of `webhook` for a registry that is known, or whose kind of host is. */
export function webhookValue(registry: string, all: readonly string[]): string | undefined {
  const source = sourceOf(registry);
  if (source === undefined) return undefined;
  // If several registries use the same source, each webhook gets its own name.
  const isShared = all.filter((other) => sourceOf(other) === source).length > 1;
  const name = `${source}-${registry.split('.')[0]?.toLowerCase()}`;
  return isShared ? `{ source: ${source}, name: ${name} }` : `{ source: ${source} }`;
}

function sourceOf(registry: string): string | undefined {
  const home = sources.find((source) => source.home === registry);
  if (home) return home.name;
  if (ecrHostOf(registry)) return 'ecr';
  return registry.endsWith('.azurecr.io') ? 'acr' : undefined;
}

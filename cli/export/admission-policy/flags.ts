import { type Command, InvalidArgumentError, Option } from 'commander';
import { isRepository, parseReference } from '../../../core/oci/reference.ts';
import type { ApiFlags } from '../../shared/api-command.ts';

/** The options of `drayage export admission-policy`, as they are parsed. */
export interface AdmissionPolicyFlags extends ApiFlags {
  mapping?: string;
  output?: string;
  region?: string;
  /** `<registry>/<prefix>`, where the mirror keeps its repositories. */
  mirror?: string;
  literals?: boolean;
  keep?: boolean;
  /** Upstream registry → what takes its place; empty: the mirror's place for it. */
  fallback: ReadonlyMap<string, string>;
  excludeNamespace: readonly string[];
  namespace: readonly string[];
  optIn?: boolean;
  schedule: string;
  syncImage: string;
}

const mirrorExample = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror';

/** The mirror's registry and prefix, as the beginning of references. */
export function parseMirror(text: string): string {
  return parsePlace(text, mirrorExample);
}

/** Reads `REGISTRY` or `REGISTRY=PLACE`, and adds it to those before. */
export function parseFallback(
  text: string,
  before: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const at = text.indexOf('=');
  const registry = at < 0 ? text : text.slice(0, at);
  if (!isRegistry(registry))
    throw new InvalidArgumentError(`${JSON.stringify(registry)} is not a registry such as docker.io`);
  if (before.has(registry)) throw new InvalidArgumentError(`${registry} is there twice`);
  const place = at < 0 ? '' : parsePlace(text.slice(at + 1), `${mirrorExample}/docker.io`);
  return new Map([...before, [registry, place]]);
}

/** A namespace, added to those before. https://www.rfc-editor.org/rfc/rfc1123#section-2 */
export function parseNamespace(text: string, before: readonly string[]): readonly string[] {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text))
    throw new InvalidArgumentError(
      `${JSON.stringify(text)} is not a namespace: write up to 63 lower-case letters, digits and dashes`,
    );
  return before.includes(text) ? before : [...before, text];
}

/** As parseNamespace, but not kube-system, where nothing is ever rewritten. */
export function parseOnlyNamespace(text: string, before: readonly string[]): readonly string[] {
  if (text === 'kube-system')
    throw new InvalidArgumentError('pods in kube-system are never rewritten: name other namespaces');
  return parseNamespace(text, before);
}

/**
 * A CronJob's schedule.
 * https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax
 */
export function parseSchedule(text: string): string {
  const isMacro = /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text);
  if (isMacro || /^[0-9A-Za-z*?/,-]+( [0-9A-Za-z*?/,-]+){4}$/.test(text)) return text;
  throw new InvalidArgumentError('write five fields, such as */5 * * * *, or a macro such as @hourly');
}

/** An image reference, as it stands. */
export function parseSyncImage(text: string): string {
  try {
    parseReference(text);
    return text;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

/** A region's name, as AWS and the API have them. */
export function parseRegion(text: string): string {
  if (/^[a-z0-9-]{1,63}$/.test(text)) return text;
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not a region such as eu-west-1`);
}

function parsePlace(text: string, example: string): string {
  const slash = text.indexOf('/');
  const [registry, path] = [text.slice(0, slash), text.slice(slash + 1)];
  if (slash > 0 && isRegistry(registry) && isRepository(path)) return text;
  throw new InvalidArgumentError(
    `${JSON.stringify(text)} is not a registry and a prefix of repositories: write, for example, ${example}`,
  );
}

/** Whether references can begin with it: otherwise it would be read as a repository. */
function isRegistry(text: string): boolean {
  try {
    const { registry, repository } = parseReference(`${text}/x/y`);
    return registry === text && repository === 'x/y';
  } catch {
    return false;
  }
}

/** Adds the options that say which Pods. */
export function addScope(command: Command): Command {
  return command
    .optionsGroup('Which pods:')
    .addOption(
      new Option('--exclude-namespace <name>', 'leave this namespace alone; may be repeated')
        .argParser(parseNamespace)
        .default([], 'only kube-system'),
    )
    .addOption(
      new Option('--namespace <name>', 'only this namespace; may be repeated')
        .argParser(parseOnlyNamespace)
        .default([], 'all namespaces'),
    )
    .option('--opt-in', 'only namespaces with the label drayage.dev/rewrite: enabled');
}

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isInstalled, versionOf } from '../peers.ts';
import { drayage } from '../published.ts';
import { mirroredName, mirrorFile, prefix, regsyncFile, skopeoFile } from './configurations.ts';

/** What a program should copy. */
export interface TagsCopy {
  /** HOST:PORT of the two registries, plain HTTP. */
  from: string;
  to: string;
  repositories: string[];
  /** A folder for the program's configuration files. */
  folder: string;
}

/** A program that copies all tags of repositories. */
export interface TagsProgram {
  name: string;
  /** Whether it is ours; ours are always measured. */
  isOurs: boolean;
  /** One process for each repository, one after the other. */
  isLoop: boolean;
  /** Where it puts a repository. */
  destination(repository: string): string;
  command(copy: TagsCopy): string[];
}

let help: string | undefined;

const copyAllTags: TagsProgram = {
  name: 'drayage copy',
  isOurs: true,
  isLoop: true,
  destination: (repository) => repository,
  command: loop((from, to) => [
    ...[process.execPath, drayage, 'copy', '--all-tags', '--plain-http', '--json'],
    ...[from, to],
  ]),
};

const sync: TagsProgram = {
  name: 'drayage sync',
  isOurs: true,
  isLoop: false,
  destination: mirroredName,
  command: (copy) => [
    ...[process.execPath, drayage, 'sync', '--config', file(copy, 'mirror.yaml', mirrorFile(copy))],
    ...['--to', `${copy.to}/${prefix}`, '--json', ...plainHttpOfSync()],
  ],
};

const peers: TagsProgram[] = [
  {
    name: 'crane',
    isOurs: false,
    isLoop: true,
    destination: (repository) => repository,
    command: loop((from, to) => ['crane', 'copy', '--insecure', '-a', '-j', '16', from, to]),
  },
  {
    name: 'regsync',
    isOurs: false,
    isLoop: false,
    destination: (repository) => repository,
    command: (copy) => ['regsync', 'once', '-c', file(copy, 'regsync.yaml', regsyncFile(copy))],
  },
  {
    name: 'skopeo',
    isOurs: false,
    isLoop: false,
    // skopeo keeps only the last component of a name.
    destination: (repository) => `acme/${repository.split('/').at(-1)}`,
    command: (copy) => [
      ...['skopeo', 'sync', '--all', '--src', 'yaml', '--dest', 'docker', '--dest-tls-verify=false'],
      ...[file(copy, 'skopeo.yaml', skopeoFile(copy)), `${copy.to}/acme`],
    ],
  },
];

/**
 * The installed programs, ours first, and a sentence with their versions and the missing ones.
 *
 * @throws for an unknown name
 */
export function installedPrograms(wanted?: string[]): { programs: TagsProgram[]; note: string } {
  const names = peers.map(({ name }) => name);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`there is no peer ${unknown} for tags: ${names.join(', ')}`);
  const chosen = peers.filter(({ name }) => (!wanted || wanted.includes(name)) && isInstalled(name));
  const ours = syncHelp().startsWith('Usage: drayage sync') ? [copyAllTags, sync] : [copyAllTags];
  const programs = [...ours, ...chosen];
  const missing = [copyAllTags, sync, ...peers].filter((program) => !programs.includes(program));
  const told = chosen.map(({ name }) => `${name} ${versionOf(name)}`).join(', ') || 'nobody';
  const leftOut = missing.map(({ name }) => name).join(', ');
  return { programs, note: `Compared with ${told}.${leftOut && ` Left out: ${leftOut}.`}` };
}

/** The same command for each repository, in a shell that ends with the first one that fails. */
function loop(one: (from: string, to: string) => string[]): TagsProgram['command'] {
  return ({ from, to, repositories }) => {
    const commands = repositories.map((repository) => one(`${from}/${repository}`, `${to}/${repository}`));
    if (commands.length === 1) return commands[0] ?? [];
    return ['bash', '-c', ['set -e', ...commands.map((words) => words.join(' '))].join('\n')];
  };
}

function file({ folder }: TagsCopy, name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** The output of `drayage sync --help`; without such a command, the general help. */
function syncHelp(): string {
  help ??= spawnSync(process.execPath, [drayage, 'sync', '--help'], { encoding: 'utf8' }).stdout;
  return help;
}

function plainHttpOfSync(): string[] {
  const flags = ['--plain-http', '--dst-plain-http', '--to-plain-http'];
  return flags.filter((flag) => syncHelp().includes(` ${flag} `)).slice(0, 1);
}

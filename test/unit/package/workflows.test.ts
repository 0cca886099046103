import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

interface Step {
  uses?: string;
  run?: string;
  env?: Record<string, string>;
  with?: Record<string, unknown>;
}
interface Job {
  uses?: string;
  needs?: string | string[];
  permissions?: Record<string, string>;
  steps?: Step[];
}
interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, Job>;
}

const files = globSync('.github/workflows/*.yml', { cwd: root });
const workflow = (name: string) => parse(read(`.github/workflows/${name}.yml`)) as Workflow;
const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps = [] }) => steps);

describe('the workflows', () => {
  it.each(files)('%s may only read, unless a job says more, and leaves no token in the checkout', (file) => {
    const { permissions, jobs } = parse(read(file)) as Workflow;
    expect(permissions).toEqual({ contents: 'read' });
    for (const [name, { permissions: more = {} }] of Object.entries(jobs))
      expect(more, name).toEqual(name === 'publish' ? { contents: 'write', 'id-token': 'write' } : {});
    for (const { uses, with: options } of stepsOf({ jobs }))
      if (uses?.startsWith('actions/checkout@')) expect(options?.['persist-credentials']).toBe(false);
  });

  it.each(files)('%s uses actions of GitHub only, each at a version or a commit', (file) => {
    for (const { uses } of stepsOf(parse(read(file))))
      if (uses !== undefined) expect(uses).toMatch(/^actions\/[\w-]+@(v\d+(\.\d+)*|[0-9a-f]{40})$/);
  });

  it.each(files)('%s puts no expression into a shell, where its text would be run', (file) => {
    for (const { run } of stepsOf(parse(read(file)))) expect(run ?? '').not.toContain('${{');
  });

  it('CI runs the gate', () => {
    expect(stepsOf(workflow('ci')).map(({ run }) => run)).toContainEqual(
      expect.stringMatching(/bash \.ci\/run$/),
    );
  });

  it('a release passes the gate first, and publishes what was packed, with provenance and an SBOM', () => {
    const { jobs } = workflow('release');
    expect(jobs.gate?.uses).toBe('./.github/workflows/ci.yml');
    expect(jobs.publish?.needs).toBe('gate');
    const commands = stepsOf({ jobs }).map(({ run = '' }) => run);
    const at = (text: string) => commands.findIndex((command) => command.includes(text));
    const order = ['.ci/release-notes', 'npm ci', 'npm pack', '.ci/sbom', 'npm publish', 'gh release create'];
    expect(order.map(at)).toEqual(order.map(at).toSorted((a, b) => a - b));
    expect(at('.ci/release-notes')).toBeGreaterThanOrEqual(0);
    expect(commands[at('npm publish')]).toBe('npm publish --provenance --access public ./drayage-*.tgz');
    expect(commands[at('gh release')]).toMatch(/drayage-\*\.tgz sbom\.cdx\.json SHA256SUMS$/);
    expect(JSON.stringify(jobs)).not.toContain('secrets.');
  });
});

describe('the changelog', () => {
  const text = read('CHANGELOG.md');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const headings = [...text.matchAll(/^## \[(.+?)\](?: - (.+))?$/gm)];
  const notes = (of: string) => execFileSync(join(root, '.ci/release-notes'), [of], { encoding: 'utf8' });

  it('begins with what is not released, then versions with their dates, the latest first', () => {
    expect(headings.map(([, name]) => name)[0]).toBe('Unreleased');
    for (const [, name = '', date = ''] of headings.slice(1)) {
      expect(name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(new Date(date).toISOString().slice(0, 10)).toBe(date);
    }
    const dates = headings.slice(1).map(([, , date = '']) => date);
    expect(dates).toEqual(dates.toSorted().reverse());
    expect(headings[1]?.[1]).toBe(version);
  });

  it('has a link for each heading, and only the kinds of changes that Keep a Changelog has', () => {
    for (const [, name = ''] of headings) expect(text).toContain(`\n[${name}]: https://`);
    for (const [, kind = ''] of text.matchAll(/^### (.+)$/gm))
      expect(['Breaking', 'Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']).toContain(kind);
  });

  it('gives a release its notes, and says so if there are none', () => {
    expect(notes(version)).toContain('The first release.');
    expect(notes(version)).not.toContain('## [');
    expect(() => notes('9.9.9')).toThrow("no section '## [9.9.9]'");
  });
});

describe('pages', () => {
  it.each(['CHANGELOG.md', 'SECURITY.md', ...globSync('examples/*/README.md', { cwd: root })])(
    '%s: each link leads to a file',
    (file) => {
      const links = [...read(file).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
      for (const link of links) expect(existsSync(join(root, file, '..', link)), link).toBe(true);
    },
  );
});

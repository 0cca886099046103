import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchOptions } from './options.ts';
import { drayage } from './published.ts';
import { benchManifests, benchMappings } from './rewrite/manifests.ts';
import { markdownTable, median } from './statistics.ts';
import { type Timing, timed } from './timed.ts';

const defaultRounds = 1;
const manifests = 5_000;
const references = 1_000;
/** kustomize compares each image with each object, so it gets a tenth of both. */
const smaller = 500;

/**
 * Rewrites 5,000 manifests with 1,000 distinct references, as files of a folder and as one stream,
 * and a tenth of both beside `kubectl kustomize` with an `images:` entry for each reference. Each
 * result of ours is compared with what it has to be, byte by byte.
 */
export async function benchRewrite(options: BenchOptions): Promise<string> {
  const rounds = options.rounds ?? defaultRounds;
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-rewrite-'));
  try {
    const large = writeCorpus(join(folder, 'large'), manifests, references, true);
    const small = writeCorpus(join(folder, 'small'), smaller, references / 10, false);
    const run = (what: string) => `'${process.execPath}' '${drayage}' rewrite ${what}`;
    const ours = (corpus: Corpus, what: string) => `${run(what)} --mapping '${corpus.mapping}'`;
    const rows: string[][] = [];
    const measure = async (what: string, corpus: Corpus, command: string, isExact: boolean) => {
      const timings: Timing[] = [];
      for (let round = 0; round < rounds; round++) {
        const output = join(folder, 'output');
        timings.push(await timed(['sh', '-c', `${command} > '${output}'`]));
        if (isExact && !readFileSync(output).equals(corpus.expected)) throw new Error(`${what}: other bytes`);
        process.stderr.write(`rewrite ${round + 1}/${rounds} ${what}\n`);
      }
      const middle = (figure: keyof Timing) => median(timings.map((timing) => timing[figure]));
      rows.push([
        what,
        (corpus.bytes / 1e6).toFixed(1),
        middle('wallSeconds').toFixed(1),
        middle('cpuSeconds').toFixed(1),
        middle('peakMegabytes').toFixed(0),
      ]);
    };
    const all = `${manifests} manifests, ${references} references`;
    await measure(`drayage rewrite FOLDER: ${all}`, large, ours(large, `'${large.folder}'`), true);
    await measure(`drayage rewrite < STREAM: ${all}`, large, `${ours(large, '-')} < '${large.stream}'`, true);
    await measure(
      `drayage rewrite FOLDER --check: ${all}`,
      large,
      ours(large, `'${large.folder}' --check`),
      false,
    );
    const tenth = `${smaller} manifests, ${references / 10} references`;
    await measure(`drayage rewrite FOLDER: ${tenth}`, small, ours(small, `'${small.folder}'`), true);
    await measure(`kubectl kustomize: ${tenth}`, small, `kubectl kustomize '${small.kustomization}'`, false);
    return [
      '## Rewriting manifests',
      `Whole processes, median of ${rounds}. Deployments and CronJobs of 6 kB with comments, anchors, folded texts, CRLF, tabs and other`,
      'alphabets; images are looked up in a file. Each output of drayage is compared with what it has to be, byte by byte; kustomize',
      'prints its own formatting, and gets manifests without tabs, which it refuses.',
      '',
      markdownTable(['', 'MB', 'seconds', 'CPU s', 'peak MB'], rows),
    ].join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Corpus {
  /** Its kustomization; the manifests are in a folder below it. */
  kustomization: string;
  folder: string;
  stream: string;
  mapping: string;
  bytes: number;
  /** All manifests as one stream that names the mirror. */
  expected: Buffer;
}

/** Writes the manifests as files, with a kustomization for all of them, and as one stream. */
function writeCorpus(folder: string, count: number, distinct: number, tabs: boolean): Corpus {
  const files = join(folder, 'manifests');
  mkdirSync(files, { recursive: true });
  const mappings = benchMappings(distinct);
  const all = [...benchManifests(count, mappings, { tabs })].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, text } of all) writeFileSync(join(files, name), text);
  const [stream, mapping] = [`${folder}.yaml`, `${folder}.json`];
  const joined = all.map(({ text }) => text).join('---\n');
  writeFileSync(stream, joined);
  writeFileSync(mapping, JSON.stringify({ version: 1, mappings }));
  const images = mappings.map(({ image, pinned }) => {
    const [name, digest] = [image.replace(/:[^:]*$/, ''), pinned.replace(/^[^@]*@/, '')];
    return { name, newName: pinned.replace(/@.*$/, ''), digest };
  });
  const resources = all.map(({ name }) => `manifests/${name}`);
  const kustomization = { apiVersion: 'kustomize.config.k8s.io/v1beta1', resources, images };
  writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
  return {
    kustomization: folder,
    folder: files,
    stream,
    mapping,
    bytes: Buffer.byteLength(joined),
    expected: Buffer.from(all.map(({ rewritten }) => rewritten).join('---\n')),
  };
}

/**
 * `npm run bench -- [BENCH]… [--rounds N] [--peers A,B] [--cases A,B] [--save NAME]`: measures this
 * machine, prints Markdown, and with `--save NAME` writes it to bench/results/. Without BENCH it
 * runs all, which takes about half an hour:
 *
 *     wire      copies over a simulated wire, compared with other programs and the wire's limit (`--cases` picks some)
 *     tags      all tags of a repository and of twenty, compared with other programs (`--cases` picks some;
 *               its names differ from those of wire, so that only one of the two runs with it)
 *     copy      a gigabyte without a wire: CPU and memory
 *     memory    one layer of 100 MB and one of 4 GB
 *     ecr       the requests of a mirror job at a registry that behaves like ECR
 *     shared    images with the same base: bytes from upstream
 *     pipeline  from the webhook to the published mapping
 *     cold-start  each function, from the start of its process to its first answer; zip sizes
 *     burst     10,000 deliveries over 50 connections
 *     mappings  100,000 mappings: list, resolve, snapshot, exports, and what they cost on AWS
 *     rewrite   5,000 manifests with 1,000 references: time and memory, beside kubectl kustomize
 *     reconcile 100,000 tags compared with an upstream, a backfill beside sync, and a limit on pulls
 *     cost      what a push and a minute without work use of AWS; writes core/cost/counts.json
 *     verify    a signature with a key, beside cosign, and many in one process
 *     kill      killed ten times: what is read again
 *     fan-out   one large image by 1, 2, 4 and 8 processes, each on a wire of its own
 *
 * The programs are measured as whole processes, ours as the package ships it: it is built first.
 *
 * Needs `docker-registry` and `time` (Debian's packages) and `curl`; `skopeo`, `crane`, `regctl`,
 * `regsync` and `oras` take part when they are on the PATH.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchBurst } from './burst.ts';
import { benchColdStart } from './cold-start.ts';
import { benchCopy } from './copy.ts';
import { benchCost } from './cost.ts';
import { benchEcr } from './ecr.ts';
import { benchFanOut } from './fan-out.ts';
import { endOnSignals } from './interruption.ts';
import { benchKill } from './kill.ts';
import { benchMappings } from './mappings.ts';
import { benchMemory } from './memory.ts';
import type { Bench, BenchOptions } from './options.ts';
import { benchPipeline } from './pipeline.ts';
import { publishForBench } from './published.ts';
import { benchReconcile } from './reconcile.ts';
import { benchRewrite } from './rewrite.ts';
import { benchShared } from './shared.ts';
import { benchTags } from './tags.ts';
import { benchVerify } from './verify.ts';
import { benchWiredCopy } from './wired-copy.ts';

const benches: Record<string, Bench> = {
  wire: benchWiredCopy,
  tags: benchTags,
  copy: benchCopy,
  memory: benchMemory,
  ecr: benchEcr,
  shared: benchShared,
  pipeline: benchPipeline,
  'cold-start': benchColdStart,
  burst: benchBurst,
  mappings: benchMappings,
  rewrite: benchRewrite,
  reconcile: benchReconcile,
  cost: benchCost,
  verify: benchVerify,
  kill: benchKill,
  'fan-out': benchFanOut,
};

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string' },
    peers: { type: 'string' },
    cases: { type: 'string' },
    save: { type: 'string' },
  },
  allowPositionals: true,
});
const options: BenchOptions = {
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  ...(values.peers === undefined ? {} : { peers: values.peers.split(',') }),
  ...(values.cases === undefined ? {} : { cases: values.cases.split(',') }),
};
const wanted = positionals.length > 0 ? positionals : Object.keys(benches);
const unknown = wanted.find((name) => !(name in benches));
if (unknown !== undefined) refuse(`there is no bench ${unknown}: ${Object.keys(benches).join(', ')}`);
if (options.rounds !== undefined && !(Number.isInteger(options.rounds) && options.rounds > 0)) {
  refuse(`--rounds takes a whole number of at least 1, not ${values.rounds}`);
}

endOnSignals();
process.stderr.write('build…\n');
publishForBench();
const parts = [
  `# Measured on ${new Date().toISOString().slice(0, 10)}`,
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, everything on loopback.`,
];
for (const name of wanted) {
  process.stderr.write(`${name}…\n`);
  parts.push((await benches[name]?.(options)) ?? '');
}
const report = `${parts.join('\n\n')}\n`;
process.stdout.write(report);
if (values.save !== undefined) {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${values.save}.md`), report);
}
// A bench that continued after a failure has set the exit code.
process.exit();

function refuse(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

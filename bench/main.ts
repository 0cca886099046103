/**
 * `npm run bench [copy|pipeline]…`: measures this machine, prints Markdown, and writes it to bench/results/ with `--save NAME`.
 *
 * Needs `docker-registry`, `skopeo` and `time` (Debian's packages); `crane` and `regctl` take part when they are on the PATH.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchCopy } from './copy.ts';
import { benchPipeline } from './pipeline.ts';

const benches: Record<string, () => Promise<string>> = { copy: benchCopy, pipeline: benchPipeline };

const { values, positionals } = parseArgs({ options: { save: { type: 'string' } }, allowPositionals: true });
const wanted = positionals.length > 0 ? positionals : Object.keys(benches);
const parts = [
  `# Measured on ${new Date().toISOString().slice(0, 10)}`,
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, everything on loopback.`,
];
for (const name of wanted) {
  const bench = benches[name];
  if (!bench) throw new Error(`there is no bench ${name}: ${Object.keys(benches).join(', ')}`);
  process.stderr.write(`${name}…\n`);
  parts.push(await bench());
}
const report = `${parts.join('\n\n')}\n`;
process.stdout.write(report);
if (values.save !== undefined) {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${values.save}.md`), report);
}
process.exit(0);

/**
 * `node test/package/contents.ts FILES [SBOM]`: checks what a package holds, by the list of its
 * paths (`tar -tzf`), and that the SBOM covers what the package brings along. Exits with 1, and
 * names each problem.
 */
import { readFileSync } from 'node:fs';
import { contentProblems } from './files.ts';
import { type Sbom, sbomProblems } from './sbom.ts';

const root = `${import.meta.dirname}/../..`;
const [list = '', sbom] = process.argv.slice(2);
const manifest = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
const lock = JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8'));
const paths = readFileSync(list, 'utf8').trim().split('\n');
const problems = contentProblems(paths);
if (sbom !== undefined)
  problems.push(...sbomProblems(JSON.parse(readFileSync(sbom, 'utf8')) as Sbom, manifest, lock));
for (const problem of problems) process.stderr.write(`${problem}\n`);
if (problems.length > 0) process.exitCode = 1;
else process.stdout.write(`the package holds ${paths.length} files, each of an expected kind\n`);

/** The parts of a CycloneDX document that are checked. https://cyclonedx.org/docs/1.5/json/ */
export interface Sbom {
  bomFormat: string;
  specVersion: string;
  serialNumber: string;
  metadata: { component: { purl: string } };
  components: Component[];
  dependencies: { ref: string; dependsOn?: string[] }[];
}

interface Component {
  'bom-ref': string;
  name: string;
  version: string;
  purl: string;
  licenses?: { license?: { id?: string }; expression?: string }[];
  hashes?: { alg: string; content: string }[];
}

/** Licences that allow what is bundled to be published under Apache-2.0. */
const allowedLicences = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'MIT-0',
];

/** What is wrong with the SBOM of the package with this manifest and lock file. */
export function sbomProblems(
  sbom: Sbom,
  manifest: { name: string; version: string; dependencies: Record<string, string> },
  lock: {
    packages: Record<string, { version?: string; dev?: boolean; devOptional?: boolean; peer?: boolean }>;
  },
): string[] {
  const problems: string[] = [];
  if (sbom.bomFormat !== 'CycloneDX' || !/^1\.[4-9]$/.test(sbom.specVersion))
    problems.push(`SBOM: the format is ${sbom.bomFormat} ${sbom.specVersion}, not CycloneDX 1.4 or newer`);
  if (!/^urn:uuid:[0-9a-f-]{36}$/.test(sbom.serialNumber))
    problems.push(`SBOM: the serial number ${sbom.serialNumber} is not a UUID`);
  const own = `pkg:npm/${manifest.name}@${manifest.version}`;
  if (sbom.metadata.component.purl !== own)
    problems.push(`SBOM: it is about ${sbom.metadata.component.purl}, not ${own}`);
  const told = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
  for (const [name, version] of Object.entries(manifest.dependencies))
    if (!told.has(`${name}@${version}`)) problems.push(`SBOM: the dependency ${name}@${version} is missing`);
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '' || entry.dev || entry.devOptional || entry.peer) continue;
    const name = path.replace(/^.*node_modules\//, '');
    if (!told.has(`${name}@${entry.version}`))
      problems.push(`SBOM: ${name}@${entry.version} of package-lock.json is missing`);
  }
  const refs = new Set(sbom.dependencies.map(({ ref }) => ref));
  for (const component of sbom.components) problems.push(...componentProblems(component, refs));
  return problems;
}

function componentProblems(component: Component, refs: ReadonlySet<string>): string[] {
  const { name, version, purl, licenses = [], hashes = [] } = component;
  const problems: string[] = [];
  if (purl !== `pkg:npm/${name.replace('@', '%40')}@${version}`)
    problems.push(`SBOM: ${name}@${version} has the purl ${purl}`);
  if (!hashes.some(({ alg, content }) => alg === 'SHA-512' && /^[0-9a-f]{128}$/.test(content)))
    problems.push(`SBOM: ${name}@${version} has no SHA-512 hash`);
  if (!refs.has(component['bom-ref'])) problems.push(`SBOM: ${name}@${version} is in no dependency graph`);
  const ids = licenses.map(({ license, expression }) => license?.id ?? expression ?? 'unknown');
  if (ids.length === 0 || !ids.every((id) => allowedLicences.includes(id)))
    problems.push(
      `SBOM: ${name}@${version} has the licence ${ids.join(' and ') || 'unknown'}, which is not in the list of test/package/sbom.ts`,
    );
  return problems;
}

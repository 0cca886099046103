/** Each kind of file that the package may hold, and how many there are at least. */
const kinds: readonly { pattern: RegExp; least: number }[] = [
  { pattern: /^(LICENSE|README\.md|CHANGELOG\.md|SECURITY\.md|package\.json|mirror\.yaml)$/, least: 6 },
  { pattern: /^cli\/drayage\.js$/, least: 1 },
  // The command's bundle, in parts.
  { pattern: /^dist\/cli\/[\w-]+\.js$/, least: 20 },
  // The functions, with source maps: Lambda's Node uses them for stack traces.
  { pattern: /^dist\/functions\/[a-z-]+\/index\.mjs(\.map)?$/, least: 16 },
  { pattern: /^dist\/functions\/api\/web\/[\w-]+\.(js|css|html|svg)$/, least: 4 },
  // Modules for other people's CDK apps, and their types.
  { pattern: /^dist\/(core|lambda|lib)\/([\w-]+\/)*[\w-]+\.(js|d\.ts)$/, least: 200 },
  // What `drayage cost` multiplies.
  { pattern: /^dist\/core\/cost\/counts\.json$/, least: 1 },
  { pattern: /^dist\/local\/[\w-]+\.(js|d\.ts)$/, least: 1 },
  { pattern: /^docs\/(decisions\/|webhooks\/)?[\w-]+\.md$/, least: 50 },
  { pattern: /^docs\/(events\/)?[\w.-]+\.json$/, least: 2 },
  { pattern: /^docs\/openapi\.yaml$/, least: 1 },
  { pattern: /^docs\/images\/[\w-]+\.(png|svg)$/, least: 1 },
  {
    pattern: /^charts\/drayage\/(\.helmignore|README\.md|Chart\.yaml|values\.yaml|values\.schema\.json)$/,
    least: 3,
  },
  { pattern: /^charts\/drayage\/(files|templates)\/[\w-]+\.(yaml|tpl|txt)$/, least: 2 },
];

/** What must not be published even if a pattern above came to match it. */
const forbidden =
  /(^|\/)(test|tests|bench|node_modules|coverage|\.env[^/]*|.*\.test\.[jt]s|.*\.pem|.*\.tgz)(\/|$)/;

/** What is wrong with the paths of a package, as `tar -tzf` prints them. */
export function contentProblems(paths: readonly string[]): string[] {
  const problems: string[] = [];
  const counts = new Map<RegExp, number>();
  for (const path of paths) {
    const name = path.replace(/^package\//, '');
    const kind = forbidden.test(name) ? undefined : kinds.find(({ pattern }) => pattern.test(name));
    if (kind) counts.set(kind.pattern, (counts.get(kind.pattern) ?? 0) + 1);
    else problems.push(`${name} does not belong into the package: see test/package/files.ts`);
  }
  for (const { pattern, least } of kinds) {
    const count = counts.get(pattern) ?? 0;
    if (count < least) problems.push(`${pattern} matches ${count} files, not ${least} or more`);
  }
  return problems;
}

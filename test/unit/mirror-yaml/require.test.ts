import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../core/mirror-yaml/parse.ts';
import { policyFingerprint } from '../../../core/policy/fingerprint.ts';

const file = (rule: string, mirror = '') => `
version: 1
mirror: { regions: [eu-west-1]${mirror} }
upstreams:
  - registry: ghcr.io
    repositories: [{ match: acme/app, ${rule} }]
`;

function ruleOf(rule: string) {
  const parsed = parseConfig(file(rule));
  if (!parsed.ok) throw new Error(parsed.errors.map(({ message }) => message).join('\n'));
  const [found] = parsed.config.upstreams[0]?.repositories ?? [];
  if (found === undefined) throw new Error('no rule');
  return found;
}

const errorsOf = (rule: string, mirror?: string) => {
  const parsed = parseConfig(file(rule, mirror));
  return parsed.ok
    ? []
    : parsed.errors.map(({ path, message }) => `${path.split('.require').at(1)}: ${message}`);
};

describe('require', () => {
  it('is read in full', () => {
    const rule = ruleOf(
      'require: { maxBytes: 5GB, platforms: [linux/x86_64, linux/amd64/v1], labels: { constructor: x }, annotations: { a: "1" }, age: 24h, scan: { block: HIGH, wait: 1h } }',
    );
    expect(rule.require).toEqual({
      maxBytes: 5e9,
      platforms: ['linux/amd64', 'linux/amd64/v1'],
      labels: { constructor: 'x' },
      annotations: { a: '1' },
      ageSeconds: 86_400,
      scan: { block: 'HIGH', waitSeconds: 3_600 },
    });
    expect(ruleOf('require: { scan: { block: CRITICAL } }').require).toEqual({
      scan: { block: 'CRITICAL', waitSeconds: 600 },
    });
    expect(ruleOf('require: { labels: {}, age: 1h }').require).toEqual({ ageSeconds: 3_600 });
  });

  it.each([
    ['500', 500],
    ['500MB', 5e8],
    ['5GiB', 5 * 2 ** 30],
    ['1.5kB', 1_500],
    ['1TB', 1e12],
  ])('takes %s as a size', (written, bytes) => {
    expect(ruleOf(`require: { maxBytes: ${written} }`).require?.maxBytes).toBe(bytes);
  });

  it.each(['0', '-1', '1.5', '5XB', '5gb', '"5 GB"', '"99999999TB"', '"1e400"', '.inf', '.nan'])(
    'refuses %s as a size',
    (written) => {
      expect(errorsOf(`require: { maxBytes: ${written} }`)).toHaveLength(1);
    },
  );

  it.each([
    [
      'require: { labels: {} }',
      ': is empty; write what images must be like (maxBytes, platforms, labels, annotations, age, scan), or leave require out',
    ],
    [
      'require: {}',
      ': is empty; write what images must be like (maxBytes, platforms, labels, annotations, age, scan), or leave require out',
    ],
    [
      'require: { age: 30d }',
      '.age: "30d" is too long, since jobs are not kept for longer than 30 days; write at most 14d',
    ],
    [
      'require: { scan: { block: HIGH, wait: 61m } }',
      '.scan.wait: "61m" is too long, since the mirror stays behind its upstream meanwhile; write at most 1h',
    ],
    [
      'require: { scan: HIGH }',
      '.scan: must be a mapping with block, found "HIGH"; write, for example, { block: CRITICAL, wait: 10m }',
    ],
    [
      'require: { scan: { block: critical } }',
      '.scan.block: must be a severity (CRITICAL, HIGH, MEDIUM, LOW, INFORMATIONAL, UNDEFINED), found "critical"; write, for example, CRITICAL',
    ],
    ['require: { labels: { a: 1 } }', '.labels.a: must be text, found the number 1; put it in quotes: "1"'],
    [
      'require: { labels: { __proto__: a } }',
      '.labels: `__proto__` can’t be required; remove it, and require another name',
    ],
    [
      'require: { annotations: { __proto__: a, b: c } }',
      '.annotations: `__proto__` can’t be required; remove it, and require another name',
    ],
    [
      'require: { ages: 1h }',
      '.ages: unknown key "ages"; did you mean age? known here: maxBytes, platforms, labels, annotations, age, scan',
    ],
    [
      'platforms: [linux/amd64], require: { platforms: [linux/amd64, linux/arm64] }',
      '.platforms[1]: "linux/arm64" is not among the rule’s platforms, so no image would have it; add it to `platforms`, or take it out here',
    ],
  ])('explains what is wrong with %s', (rule, message) => {
    expect(errorsOf(rule)).toContain(message);
  });

  it('refuses to wait for scans that nothing begins', () => {
    const scan = 'require: { scan: { block: HIGH } }';
    expect(errorsOf(scan, ', repository: { scanOnPush: true }')).toEqual([]);
    expect(errorsOf(scan, ', repository: { scanOnPush: false }')).toEqual([
      expect.stringMatching(
        /^\.scan: nothing would be scanned, since mirror.repository.scanOnPush is false;/,
      ),
    ]);
  });

  it('changes the fingerprint of its rule, and no other', () => {
    const of = (rule: string) => policyFingerprint(ruleOf(rule));
    expect(of('referrers: true')).toBe('9d23a75f7c285be6');
    const prints = [
      'referrers: true',
      'require: { maxBytes: 1GB }',
      'require: { maxBytes: 2GB }',
      'require: { age: 1h }',
      'require: { scan: { block: HIGH } }',
    ].map(of);
    expect(new Set(prints).size).toBe(prints.length);
  });
});

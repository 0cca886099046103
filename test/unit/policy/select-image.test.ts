import { describe, expect, it } from 'vitest';
import { parseReference } from '../../../core/oci/reference.ts';
import { policyFingerprint } from '../../../core/policy/fingerprint.ts';
import { selectImage } from '../../../core/policy/select-image.ts';
import { configOf, withUpstream } from '../mirror-yaml/config-text.ts';

const config = configOf(
  withUpstream(
    '  - registry: docker.io',
    '    repositories:',
    '      - { match: library/nginx, tags: { include: ["1.*"], exclude: ["*-perl"] }, reconcile: 1h }',
    '      - { match: "library/*", reconcile: 2h }',
    '      - { match: acme/api, tags: { semver: ">=2" }, reconcile: 3h }',
    '  - registry: 127.0.0.1:5000',
    '    repositories: [{ match: "**" }]',
  ),
);

const digest = `sha256:${'0'.repeat(64)}`;
const select = (image: string) => selectImage(config, parseReference(image));

describe('selectImage', () => {
  it.each([
    ['nginx:1.27', 'docker.io', 3600],
    ['redis', 'docker.io', 7200],
    ['docker.io/acme/api:v2.1', 'docker.io', 10_800],
    ['127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000', 86_400],
  ])('mirrors %s by the first rule that matches', (image, registry, reconcileSeconds) => {
    expect(select(image)).toMatchObject({
      mirrored: true,
      upstream: { registry },
      rule: { reconcileSeconds },
    });
  });

  it('decides a reference without a tag by its repository', () => {
    expect(select(`nginx@${digest}`)).toMatchObject({ mirrored: true, rule: { match: 'library/nginx' } });
    expect(select(`nginx:2.0@${digest}`)).toMatchObject({ mirrored: false });
    expect(select(`acme/web@${digest}`)).toMatchObject({ mirrored: false });
  });

  it.each([
    ['quay.io/acme/api:1', 'not_configured: no upstream is configured for the registry quay.io'],
    ['127.0.0.1:5001/a:1', 'not_configured: no upstream is configured for the registry 127.0.0.1:5001'],
    ['acme/web:1', 'not_configured: no rule of docker.io matches acme/web'],
    [
      'nginx:2.0',
      'not_configured: the rule library/nginx leaves out the tag 2.0: no pattern of tags.include matches',
    ],
    [
      'nginx:1.27-perl',
      'not_configured: the rule library/nginx leaves out the tag 1.27-perl: tags.exclude has *-perl',
    ],
    ['acme/api:1.9', 'not_configured: the rule acme/api leaves out the tag 1.9: tags.semver is >=2'],
    ['acme/api:latest', 'not_configured: the rule acme/api leaves out the tag latest: it is not a version'],
    [
      'acme/api:2.0-rc1',
      'not_configured: the rule acme/api leaves out the tag 2.0-rc1: no pattern of tags.include names the suffix -rc1',
    ],
    [
      `redis:${digest.replace(':', '-')}.sig`,
      'signature: the tag names a signature, which is mirrored with its image',
    ],
  ])('does not mirror %s', (image, reason) => expect(select(image)).toEqual({ mirrored: false, reason }));
});

describe('policyFingerprint', () => {
  const rule = (extra: string) => {
    const [upstream] = configOf(
      withUpstream(`  - { registry: ghcr.io, repositories: [{ match: a/b${extra} }] }`),
    ).upstreams;
    const [first] = upstream?.repositories ?? [];
    if (first === undefined) throw new Error('no rule');
    return policyFingerprint(first);
  };

  it('is short and does not change', () => expect(rule('')).toMatch(/^[0-9a-f]{16}$/));

  it.each([
    ', platforms: [linux/amd64]',
    ', platforms: [linux/arm64]',
    ', referrers: false',
    ', verify: { cosign: { key: a.pub } }',
    ', verify: { cosign: { key: b.pub } }',
  ])('changes with the outcome of a copy (%s)', (extra) => expect(rule(extra)).not.toBe(rule('')));

  it('tells different outcomes apart', () => {
    expect(rule(', platforms: [linux/amd64]')).not.toBe(rule(', platforms: [linux/arm64]'));
    expect(rule(', verify: { cosign: { key: a.pub } }')).not.toBe(
      rule(', verify: { cosign: { key: b.pub } }'),
    );
  });

  it('does not change with the choice of images, the schedule or the order of platforms', () => {
    expect(rule(', tags: { include: ["1.*"], latest: 3 }, reconcile: never, deleted: unmap')).toBe(rule(''));
    expect(rule(', platforms: [linux/amd64, linux/arm64]')).toBe(
      rule(', platforms: [linux/arm64, linux/x86_64]'),
    );
  });
});

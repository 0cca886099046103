import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { prepullDaemonSets } from '../../../core/exports/manifests/prepull.ts';
import { prepullJobs } from '../../../core/exports/manifests/prepull-kruise.ts';
import { prepulledImages } from '../../../core/exports/manifests/prepulled-images.ts';
import { mapped } from '../../support/mapped.ts';

const selection = {
  os: 'linux',
  architecture: 'amd64',
  since: Date.parse('2026-01-01T00:00:00Z'),
  limit: 10,
};
const at = (day: number) => ({ mirroredAt: `2026-01-0${day}T00:00:00.000Z` });
const digest = `sha256:${'a'.repeat(64)}` as const;

describe('the images that nodes pull', () => {
  const names = (...args: Parameters<typeof prepulledImages>) =>
    prepulledImages(...args).map(({ image }) => image);

  it('are the newest, the newest first', () => {
    const mappings = [1, 3, 2].map((day) => mapped(`ghcr.io/acme/shop:${day}`, at(day)));
    expect(names(mappings, selection)).toEqual([3, 2, 1].map((day) => `ghcr.io/acme/shop:${day}`));
    expect(names(mappings, { ...selection, limit: 1 })).toEqual(['ghcr.io/acme/shop:3']);
    const since = Date.parse(at(2).mirroredAt);
    expect(names(mappings, { ...selection, since })).toHaveLength(2);
  });

  it('count once if several tags name them', () => {
    const mappings = ['1', '1.0', 'latest'].map((tag) => mapped(`ghcr.io/acme/shop:${tag}`, { digest }));
    expect(names(mappings, selection)).toEqual(['ghcr.io/acme/shop:1']);
  });

  it('run on the nodes', () => {
    const of = (tag: string, ...platforms: string[]) => mapped(`ghcr.io/acme/shop:${tag}`, { platforms });
    const mappings = [
      of('amd64', 'linux/amd64'),
      of('both', 'linux/amd64', 'linux/arm64/v8'),
      of('arm', 'linux/arm64/v8'),
      of('windows', 'windows(10.0.20348)/amd64'),
      of('artifact'),
      of('odd', 'unknown/unknown', '$(reboot)', 'x'),
    ];
    expect(names(mappings, selection)).toEqual(['ghcr.io/acme/shop:amd64', 'ghcr.io/acme/shop:both']);
    expect(names(mappings, { ...selection, architecture: 'arm64' })).toEqual([
      'ghcr.io/acme/shop:arm',
      'ghcr.io/acme/shop:both',
    ]);
  });

  it('have a time and platforms: older files name none', () => {
    const { mirroredAt: _, platforms: __, ...old } = mapped('nginx:1');
    expect(names([old as ReturnType<typeof mapped>], selection)).toEqual([]);
  });
});

describe('what has nodes pull images', () => {
  const shop = mapped('ghcr.io/acme/shop:1', { digest });
  const group = { os: 'linux', architecture: 'amd64', images: [shop] };
  const options = { namespace: 'warm', nodeSelector: { role: 'web', on: 'true' } };
  const objects = (text: string) =>
    parseAllDocuments(text).map((document) => {
      expect((document as { errors?: unknown[] }).errors).toEqual([]);
      return (document as { toJS(): unknown }).toJS();
    });

  it('is a DaemonSet for each platform, whose nodes alone pull', () => {
    const text = prepullDaemonSets([group, { ...group, architecture: 'arm64' }], {
      ...options,
      helperImage: 'helper:1',
    });
    const sets = objects(text);
    expect(sets).toHaveLength(2);
    expect(sets[1]).toMatchObject({
      kind: 'DaemonSet',
      metadata: { name: 'drayage-prepull-arm64', namespace: 'warm' },
      spec: {
        template: {
          spec: {
            nodeSelector: {
              'kubernetes.io/os': 'linux',
              'kubernetes.io/arch': 'arm64',
              role: 'web',
              on: 'true',
            },
            initContainers: [
              { image: 'helper:1' },
              {
                image: shop.pinned,
                command: ['/.drayage-prepull/busybox', 'true'],
                imagePullPolicy: 'IfNotPresent',
              },
            ],
            containers: [{ image: 'helper:1' }],
          },
        },
      },
    });
    const { spec } = sets[0] as {
      spec: { selector: { matchLabels: object }; template: { metadata: object } };
    };
    expect(spec.template.metadata).toEqual({ labels: spec.selector.matchLabels });
  });

  it('is an ImagePullJob for each image, under the same name each time', () => {
    const [job, ...others] = objects(prepullJobs([group], options)) as { metadata: { name: string } }[];
    expect(others).toEqual([]);
    expect(job).toMatchObject({
      apiVersion: 'apps.kruise.io/v1alpha1',
      kind: 'ImagePullJob',
      spec: { image: shop.pinned, selector: { matchLabels: { 'kubernetes.io/arch': 'amd64', role: 'web' } } },
    });
    expect(job?.metadata.name).toMatch(/^drayage-prepull-amd64-[0-9a-f]{12}$/);
    expect(prepullJobs([group], options)).toBe(prepullJobs([group], options));
  });
});

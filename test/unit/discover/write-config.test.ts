import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readNode, readPod } from '../../../core/discover/pod.ts';
import { writeConfig } from '../../../core/discover/write-config.ts';
import { selectImage } from '../../../core/policy/select-image.ts';
import { configOf } from '../mirror-yaml/config-text.ts';
import { inventoryOf, podOf } from './pods.ts';

const region = { region: 'eu-central-1' };
const digest = `sha256:${'a'.repeat(64)}`;
const ecr = (place: string) => `111122223333.dkr.ecr.${place}.amazonaws.com`;
const written = (...pods: unknown[]) => writeConfig(inventoryOf(...pods), region, 'mirror');

describe('the mirror.yaml for what runs', () => {
  it('has a rule for each repository, with the pods that use it', () => {
    const { text, covered, repositories, registries } = written(
      podOf(['nginx:1.27.3', 'nginx:1.27.3', 'docker.io/library/nginx:1.28-alpine']),
      podOf(['nginx:1.27.3'], {
        initContainers: [{ name: 'i', image: 'ghcr.io/acme/init:2.0' }],
        ephemeralContainers: [{ name: 'e', image: 'busybox' }],
        volumes: [
          { name: 'v', image: { reference: 'quay.io/acme/models:v1' } },
          { name: 'w', emptyDir: {} },
        ],
      }),
    );
    expect({ covered, repositories, registries }).toEqual({ covered: 5, repositories: 4, registries: 3 });
    expect(text).toContain('- match: "library/nginx"    # 2 pods: 1.27.3, 1.28-alpine\n');
    const { upstreams } = configOf(text);
    expect(
      upstreams.map(({ registry, repositories: of }) => [registry, of.map(({ match }) => match)]),
    ).toEqual([
      ['docker.io', ['library/busybox', 'library/nginx']],
      ['ghcr.io', ['acme/init']],
      ['quay.io', ['acme/models']],
    ]);
    expect(upstreams.map(({ webhooks }) => webhooks.map(({ source }) => source))).toEqual([
      [],
      ['github'],
      ['quay'],
    ]);
  });

  it('names the platforms of the nodes, except where a digest has to stay', () => {
    const inventory = inventoryOf(podOf(['nginx:1', `ghcr.io/acme/a:1@${digest}`]));
    for (const architecture of ['amd64', 'arm64', 'arm64'])
      inventory.addNode(readNode({ status: { nodeInfo: { operatingSystem: 'linux', architecture } } }));
    inventory.addPlatform('not a platform');
    const { text } = writeConfig(inventory, region, 'mirror');
    const rules = configOf(text).upstreams.flatMap(({ repositories }) => repositories);
    expect(rules.map(({ match, platforms }) => [match, platforms])).toEqual([
      ['library/nginx', ['linux/arm64', 'linux/amd64']],
      ['acme/a', undefined],
    ]);
    expect(text).toContain('# Platforms of the 3 nodes: linux/arm64 (2), linux/amd64 (1).');
  });

  it('counts one pod, image and node in the singular', () => {
    const inventory = inventoryOf(podOf(['nginx:1']));
    inventory.addNode(
      readNode({ status: { nodeInfo: { operatingSystem: 'linux', architecture: 'arm64' } } }),
    );
    const { text } = writeConfig(inventory, region, 'mirror');
    expect(text).toContain('found it: 1 pod, 1 image that can be mirrored.');
    expect(text).toContain('# Platforms of the node: linux/arm64 (1).');
  });

  it('notes images that only a digest names', () => {
    const { text } = written(podOf([`quay.io/acme/tool@${digest}`]));
    expect(text).toContain(
      `# 1 image by digest alone, which drayage mirror copies: quay.io/acme/tool@${digest}`,
    );
    expect(configOf(text).upstreams[0]?.repositories[0]?.tags.latest).toBe(5);
  });

  it('names the upstream of what comes from the mirror', () => {
    const at = `${ecr('eu-central-1')}/mirror`;
    const { text, leftOut } = written(
      podOf(
        [`${at}/docker.io/library/redis:7.4`, `${at}/reg.example_5000/team/app@${digest}`],
        {},
        {
          annotations: { 'original-image.drayage.dev/c1': 'reg.example:5000/team/app:3.1' },
        },
      ),
      podOf([`${at}/quay.io/odd.0123456789:1`, `${ecr('eu-central-1')}/own/app:1`]),
    );
    expect(
      configOf(text)
        .upstreams.map(({ registry }) => registry)
        .sort(),
    ).toEqual(['docker.io', 'reg.example:5000']);
    expect(text).toContain('2 of these images already come from the mirror');
    expect(text).toContain('3.1');
    expect(leftOut).toEqual([
      expect.stringContaining('they are in Amazon ECR in eu-central-1 already'),
      expect.stringContaining('its name does not tell the upstream'),
    ]);
  });

  it.each([
    ['localhost:5000/a:1', 'only the node itself reaches'],
    ['127.0.0.1/a:1', 'only the node itself reaches'],
    ['[::1]:5000/a:1', 'only the node itself reaches'],
    ['Registry.Example/a:1', 'has upper case'],
    ['registry-1.docker.io/library/nginx:1', 'is Docker Hub'],
    [`${ecr('us-east-1')}/a:1`, 'in us-east-1, whose logins last twelve hours'],
    ['nginx:1 \n  evil: true', 'not a reference'],
    ['a.0/app:1', 'is neither the name of a host nor an address'],
    ['r.example:99999/app:1', 'is neither the name of a host nor an address'],
    ['ghcr.io/acme/UPPER', 'must be lower case'],
  ])('leaves out %j and says why, and keeps the rest', (image, reason) => {
    const { text, leftOut } = written(podOf([image, 'nginx:1']));
    expect(leftOut).toEqual([expect.stringContaining(reason)]);
    const { upstreams } = configOf(text);
    expect(upstreams.map(({ registry }) => registry)).toEqual(['docker.io']);
    expect(text).toContain(reason);
  });

  it('says what a private registry needs, and which pods have pull secrets', () => {
    const { text } = written(podOf(['10.0.0.5:5000/a:1'], { imagePullSecrets: [{ name: 's' }] }));
    expect(text).toContain('  - registry: "10.0.0.5:5000"\n');
    expect(text).toContain('endpoint: http://10.0.0.5:5000');
    expect(text).toContain('# 1 pod with images from here has pull secrets');
    expect(configOf(text).upstreams[0]?.endpoint).toBe('https://10.0.0.5:5000');
  });

  it('stays readable, valid and complete for very many images', () => {
    const images = [
      ...Array.from({ length: 3_000 }, (_, i) => `ghcr.io/acme/branch-${i}:1.${i}.0`),
      ...Array.from({ length: 3_000 }, (_, i) => `quay.io/owner-${i}/app:${i}`),
      ...Array.from({ length: 300 }, (_, i) => `r${i}.example/app:sha-${i}abcdef`),
    ];
    const { text } = written(podOf(images));
    const config = configOf(text);
    expect(config.upstreams.find(({ registry }) => registry === 'ghcr.io')?.repositories).toMatchObject([
      { match: 'acme/**', tags: { semver: '>=1.0.0 <2' } },
    ]);
    for (const { reference } of inventoryOf(podOf(images)).images)
      expect(selectImage(config, reference)).toMatchObject({ mirrored: true });
  });

  it('covers what it was written from, whatever pods hold', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'nginx',
        'ghcr.io/acme/shop',
        'quay.io/quay.io/x',
        'docker.io/a/b',
        'r.example:5000/a',
        '10.0/a',
      ),
      fc.stringMatching(/^[a-z0-9]{1,6}([.:][a-z0-9]{1,5})?(\/[a-z0-9]{1,5}){0,3}$/),
      fc.string(),
    );
    const image = fc
      .tuple(
        name,
        fc.constantFrom('', ':1.2.3', ':latest', ':v1-alpine', `@${digest}`, `:2@${digest}`, ':-', ':x_1'),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(fc.oneof(image, fc.jsonValue()), { maxLength: 12 }), (images) => {
        const inventory = inventoryOf(podOf(['nginx:1', ...images]));
        const config = configOf(writeConfig(inventory, region, 'mirror').text);
        const registries = config.upstreams.map(({ registry }) => registry);
        for (const { reference } of inventory.images)
          if (registries.includes(reference.registry))
            expect(selectImage(config, reference), JSON.stringify(reference)).toMatchObject({
              mirrored: true,
            });
      }),
      { numRuns: 300 },
    );
  });
});

describe('a pod', () => {
  it('is read whatever its fields are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        readPod(value);
        readPod({ metadata: value, spec: value, status: value });
        readPod({
          spec: { containers: [value], volumes: [{ image: value }] },
          status: { containerStatuses: [value] },
        });
        readNode({ metadata: { labels: value }, status: { nodeInfo: value } });
      }),
      { numRuns: 500 },
    );
  });

  it('tells the digests that run', () => {
    const pod = podOf(['nginx:1', 'redis'], {}) as { status?: unknown };
    pod.status = {
      containerStatuses: [
        { name: 'c0', imageID: `docker-pullable://docker.io/library/nginx@${digest}` },
        { name: 'c1', imageID: digest },
      ],
    };
    expect(readPod(pod).images).toEqual([{ text: 'nginx:1', digest }, { text: 'redis' }]);
  });
});

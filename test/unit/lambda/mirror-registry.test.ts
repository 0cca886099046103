import { expect, it } from 'vitest';
import type { EcrRepository } from '../../../core/aws/ecr/repository.ts';
import { MirrorRegistry } from '../../../lambda/shared/mirror-registry.ts';

it('records where the mirror registry is reached, and again only when that changes', async () => {
  const recorded: string[] = [];
  const refusals = [new Error('throttled')];
  let host = 'a.example';
  const mirror = new MirrorRegistry(
    {
      region: 'eu-west-1',
      host: async () => host,
      repository: async (name) => ({ name }) as unknown as EcrRepository,
    },
    {
      putRegistryHost: async (region, at) => {
        const refusal = refusals.shift();
        if (refusal) throw refusal;
        recorded.push(`${region} ${at}`);
      },
    },
  );
  await expect(mirror.open('mirror/one', {})).rejects.toThrow('throttled');
  expect(await mirror.open('mirror/one', {})).toEqual({
    region: 'eu-west-1',
    destination: { name: 'mirror/one' },
  });
  await mirror.open('mirror/two', {});
  expect(recorded).toEqual(['eu-west-1 a.example']);
  host = 'b.example';
  await mirror.open('mirror/two', {});
  expect(recorded).toEqual(['eu-west-1 a.example', 'eu-west-1 b.example']);
});

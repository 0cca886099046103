import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultMatch } from '../../local/ecr/faults.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { startDrayage } from '../support/drayage.ts';
import { pushImage, seededImage, seededIndex } from '../support/seeded-image.ts';

describe('an interrupted drayage copy', () => {
  let from: EmbeddedRegistry;
  let to: EmbeddedRegistry;
  const image = seededImage({ seed: 'app', layers: [{ size: 9_000 }] });
  const index = seededIndex({ seed: 'multi', layers: [{ size: 9_000 }] });
  beforeAll(async () => {
    [from, to] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'distribution' }),
    ]);
    await pushImage(from.endpoint, 'app', '1', image);
    await pushImage(from.endpoint, 'multi', '1', index);
  });
  afterAll(() => Promise.all([from.stop(), to.stop()]));

  /** Copies to a repository, and sends the signal when the request comes that then hangs. */
  async function interrupt(what: string, repository: string, match: FaultMatch, signal: NodeJS.Signals) {
    const remove = to.faults.add({ match, action: { kind: 'stall' } });
    to.clearRequests();
    const running = startDrayage([
      'copy',
      `${from.host}/${what}`,
      `${to.host}/${repository}:1`,
      '--plain-http',
    ]);
    await expect
      .poll(
        () =>
          to.requests.some(({ method, path }) => method === match.method && path.endsWith(`${match.path}`)),
        { timeout: 10_000, interval: 10 },
      )
      .toBe(true);
    const result = await running.end(signal);
    remove();
    expect(result).toMatchObject({ code: 1, stdout: '' });
    return result.stderr.trim().split('\n').at(-1);
  }

  it('while blobs are copied: says that nothing was committed', async () => {
    const match = { method: 'POST', path: '/early/blobs/uploads/' };
    expect(await interrupt('app:1', 'early', match, 'SIGTERM')).toBe(
      'drayage: interrupted; nothing was committed',
    );
  });

  it('while the manifests of platforms are written: says that the tag was not touched', async () => {
    const [child] = index.children;
    const match = { method: 'PUT', path: `/children/manifests/${child?.manifest.digest}` };
    expect(await interrupt('multi:1', 'children', match, 'SIGINT')).toBe(
      `drayage: interrupted; manifests of single platforms may be written, ${to.host}/children:1 was not touched`,
    );
    expect(to.tag('children', '1')).toBeUndefined();
  });

  it('while the tag is written: says that its state is not known', async () => {
    const match = { method: 'PUT', path: '/late/manifests/1' };
    expect(await interrupt('app:1', 'late', match, 'SIGINT')).toBe(
      `drayage: interrupted while ${to.host}/late:1 was being written: it may be there or not; copy again to be sure`,
    );
  });

  it('while tags are copied: says which one it was at, and reports those that are done', async () => {
    await pushImage(from.endpoint, 'tags', '1', image);
    await pushImage(from.endpoint, 'tags', '2', image);
    const remove = to.faults.add({
      match: { method: 'PUT', path: '/tags/manifests/2' },
      action: { kind: 'stall' },
    });
    const running = startDrayage([
      ...['copy', `${from.host}/tags`, `${to.host}/tags`],
      ...['--all-tags', '--plain-http', '--json'],
    ]);
    const stalled = () =>
      to.requests.some(({ method, path }) => method === 'PUT' && path.endsWith('/tags/manifests/2'));
    await expect.poll(stalled, { timeout: 10_000, interval: 10 }).toBe(true);
    const result = await running.end('SIGINT');
    remove();
    expect(result.code).toBe(1);
    expect(JSON.parse(result.stdout)).toMatchObject({ copied: 1, tags: [{ tag: '1', outcome: 'copied' }] });
    expect(result.stderr.trim()).toBe(
      `drayage: interrupted at 2 while ${to.host}/tags:2 was being written: it may be there or not; copy again to be sure; 1 of 2 tags were done before`,
    );
  });
});

import type { RequestRecord } from '../local/ecr/server.ts';
import { type Pipeline, startPipeline } from '../test/support/pipeline.ts';
import {
  type SeededImage,
  type SeededIndex,
  seededImage,
  seededIndex,
} from '../test/support/seeded-image.ts';
import { interruptible } from './interruption.ts';
import { markdownTable } from './statistics.ts';

interface EcrCase {
  what: string;
  repository: string;
  tag: string;
  image: SeededImage | SeededIndex;
  /** Blobs that the mirror's repository lacks. */
  missing: number;
}

interface EcrRequests {
  upstream: RequestRecord[];
  mirror: RequestRecord[];
}

/**
 * Counts the requests of one mirror job to the upstream and to an ECR-like mirror. Layers are
 * small, since only the number of requests matters: each takes 50 to 100 ms at a real registry and
 * counts against ECR's quota.
 */
export async function benchEcr(): Promise<string> {
  // One worker, which already got its token with an earlier image: those requests occur once in
  // twelve hours.
  await using pipeline = await interruptible(() => startPipeline({ mirrorInstances: 1 }));
  await pipeline.mirror('acme/before', '1', image('before', 1));
  const rows: string[][] = [];
  const counted: [string, EcrRequests][] = [];
  for (const each of cases()) {
    const requests = await requestsOf(pipeline, each);
    rows.push(summary(each, requests));
    counted.push([each.what, requests]);
  }
  return [
    '## ECR: requests of one mirror job, in the local stack',
    'The mirror behaves like ECR. Planned: 2 for each missing blob (start an upload, put it), 1 for each 100 blobs (which are present), 1 for each',
    'manifest, and 1; with nothing to do, 3 in all.',
    '',
    markdownTable(['', 'missing blobs', 'manifests', 'upstream', 'mirror', 'planned at the mirror'], rows),
    '',
    ...(['upstream', 'mirror'] as const).flatMap((side) => [
      markdownTable(
        [`by operation, ${side}`, ...counted.map(([what]) => what)],
        operationRows(counted, side),
      ),
      '',
    ]),
  ]
    .join('\n')
    .trimEnd();
}

function cases(): EcrCase[] {
  const index = seededIndex({
    seed: 'index',
    platforms: ['amd64', 'arm64', 's390x'].map((architecture) => ({ os: 'linux', architecture })),
    layers: Array.from({ length: 8 }, () => ({ size: 3000 })),
  });
  const web = { repository: 'acme/web', tag: 'latest' };
  return [
    { what: 'cold, 15 layers', ...web, image: image('1', 15), missing: 16 },
    { what: 'next version, 2 layers', ...web, image: image('2', 15), missing: 3 },
    { what: 'nothing to do', ...web, image: image('2', 15), missing: 0 },
    {
      what: 'index, 3 × 8 layers',
      repository: 'acme/index',
      tag: '1',
      image: index,
      missing: index.blobs.size,
    },
    { what: 'index, nothing to do', repository: 'acme/index', tag: '1', image: index, missing: 0 },
    { what: 'wide, 250 layers', repository: 'acme/wide', tag: '1', image: image('wide', 250), missing: 251 },
  ];
}

/** All but the last two layers are those of every other version. */
function image(version: string, count: number): SeededImage {
  const layers = Array.from({ length: count }, (_, n) =>
    n < count - 2 ? { size: 3000, seed: `ecr ${n}` } : { size: 3000 },
  );
  return seededImage({ seed: `ecr ${version}`, layers });
}

async function requestsOf(pipeline: Pipeline, { repository, tag, image }: EcrCase): Promise<EcrRequests> {
  const mirror = pipeline.stack.registry;
  await pipeline.push(repository, tag, image);
  pipeline.upstream.clearRequests();
  mirror.clearRequests();
  const answer = await pipeline.github(repository, tag);
  const { accepted } = (await answer.json()) as { accepted: { job: string }[] };
  await pipeline.jobIn(accepted[0]?.job ?? '', 'committed');
  return { upstream: [...pipeline.upstream.requests], mirror: [...mirror.requests] };
}

function summary({ what, image, missing }: EcrCase, { upstream, mirror }: EcrRequests): string[] {
  const manifests = image.kind === 'index' ? image.children.length + 1 : 1;
  const planned = 2 * missing + Math.ceil(image.blobs.size / 100) + manifests + 1;
  return [
    what,
    String(missing),
    String(manifests),
    String(upstream.length),
    String(mirror.length),
    missing === 0 ? `${3 - upstream.length} (3 in all)` : String(planned),
  ];
}

function operationRows(counted: [string, EcrRequests][], side: keyof EcrRequests): string[][] {
  const names = new Set(counted.flatMap(([, requests]) => requests[side].map(operationOf)));
  return [...names].sort().map((name) => [
    name,
    ...counted.map(([, requests]) => {
      const count = requests[side].filter((request) => operationOf(request) === name).length;
      return count === 0 ? '' : String(count);
    }),
  ]);
}

/** The ECR API's operation, or the method and its subject in the registry protocol. */
function operationOf({ operation, method, path }: RequestRecord): string {
  if (operation !== undefined) return operation;
  const about = /\/(manifests|blobs\/uploads|blobs|tags|referrers)(?:\/|$)/.exec(path)?.[1];
  return `${method} ${about ?? path}`;
}

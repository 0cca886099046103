import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DynamoCheckpointStore } from '../../core/aws/dynamodb/checkpoint-store.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import type { Digest } from '../../core/oci/digest.ts';
import { startNode } from './drayage.ts';
import type { HandlerInvocation } from './invoke-handler.ts';
import { blobReads, killWhen, seededFractions } from './killed.ts';
import type { Pipeline } from './pipeline.ts';
import { expectPulled, pushStreamedImage, type StreamedImage } from './streamed-image.ts';

/** One invocation that was killed, in bytes of the layer. */
export interface PartInterruption {
  /** Where it began to read, and how far upstream had served the layer. */
  from: number;
  to: number;
  /** How far the checkpoint was afterwards: the next invocation reads on from there. */
  noted: number;
}

export interface KilledParts {
  image: StreamedImage;
  size: number;
  /** How large the parts were. */
  partSize: number;
  interruptions: PartInterruption[];
  /** What upstream has served of the layer, in all invocations together. */
  read: number;
  /** Parts that were sent to the mirror, including those that it refused. */
  partsSent: number;
}

const repository = 'acme/large';
const program = fileURLToPath(new URL('./invoke-handler.ts', import.meta.url));
/**
 * The speed that a process assumes before it has measured one, and the share of its time that it
 * plans for: bytes per second.
 */
const plannedSpeed = 24e6 * 0.8;
/** What a function reserves of its timeout for recording the end, milliseconds. */
const reserveMs = 15_000;
/** The functions' timeout. */
const timeoutMs = 900_000;
/** How long registry and table may take for what a killed process had asked of them. */
const settleMs = 200;

/**
 * Makes the mirror function copy an image with one large layer in parts, in separate processes.
 * Each of them is killed when it has reached a seeded byte of the layer; the last one is not.
 *
 * @param pipeline one whose stack leaves mirror jobs to others
 * @throws Error if the layer is copied in one piece, the job does not end, or anything of the image
 *   is not right in the end
 */
export async function uploadKilled(
  pipeline: Pipeline,
  { seed, size, kills = 10 }: { seed: string; size: number; kills?: number },
): Promise<KilledParts> {
  const { upstream, stack } = pipeline;
  const at = { endpoint: upstream.endpoint, repository, tag: seed };
  const image = await pushStreamedImage(at, [{ seed, size }]);
  const digest = image.blobs[1]?.digest as Digest;
  await pipeline.github(repository, seed);
  const [message] = stack.queue.server.inspectQueue('mirror.fifo')?.messages.ready ?? [];
  const invoke = (remainingMs: number) => {
    const invocation: HandlerInvocation = { name: 'mirror', body: message?.body ?? '', remainingMs };
    return startNode(program, [JSON.stringify(invocation)], {
      env: { ...process.env, ...stack.environment },
    });
  };
  const { job: id } = JSON.parse(message?.body ?? '') as { job: string };
  const mirrored = `mirror/ghcr.io/${repository}`;
  const noted = checkpointReader(stack.environment, mirrored, digest);

  // A layer that is in parts once continues in parts, however much time there is.
  const tooShort = reserveMs + (0.9 * size * 1000) / plannedSpeed;
  const begun = upstream.requests.length;
  const served = (since: number) => blobReads(upstream, since).get(digest)?.bytes ?? 0;
  const interruptions: PartInterruption[] = [];
  const moments = seededFractions(`${seed} moments`, kills).map((share) => share * size);
  moments.sort((a, b) => a - b);
  let partSize = 0;
  for (const moment of moments) {
    const since = upstream.requests.length;
    const before = await noted();
    const from = before?.offset ?? 0;
    // Each reads something, however soon its moment follows the one before.
    const until = Math.max(moment, from + 1);
    const { killed, result } = await killWhen(
      invoke(before ? timeoutMs : tooShort),
      () => from + served(since) >= until,
    );
    if (!killed) throw new Error(`the handler ended with ${result.code} too early: ${result.stderr}`);
    await sleep(settleMs);
    const checkpoint = await noted();
    if (!checkpoint) throw new Error('the layer is not copied in parts');
    partSize = checkpoint.partSize;
    interruptions.push({ from, to: from + served(since), noted: checkpoint.offset });
  }
  const { stderr } = await invoke(timeoutMs).ended;
  const { state } = await pipeline.job(id);
  if (state !== 'committed') throw new Error(`the job is ${state} after the last invocation: ${stderr}`);
  await expectPulled({ endpoint: stack.registry.endpoint, repository: mirrored, tag: seed }, image);
  const mapping = await pipeline.mapping(`ghcr.io/${repository}:${seed}`);
  if (mapping?.digest !== image.manifest.digest) throw new Error(`the mapping is ${JSON.stringify(mapping)}`);
  const partsSent = stack.registry.requests.filter(({ operation }) => operation === 'UploadLayerPart').length;
  return { image, size, partSize, interruptions, read: served(begun), partsSent };
}

/** Reads how far the layer's upload is recorded. */
function checkpointReader(environment: Record<string, string>, repository: string, digest: Digest) {
  const region = environment.AWS_REGION ?? '';
  const table = openTable(environment.DRAYAGE_TABLE ?? '', {
    endpoint: environment.AWS_ENDPOINT_URL_DYNAMODB,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const checkpoints = new DynamoCheckpointStore(table, region);
  return () => checkpoints.read(repository, digest);
}

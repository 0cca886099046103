import { execFile } from 'node:child_process';
import { CompleteLayerUploadCommand, ECRClient, UploadLayerPartCommand } from '@aws-sdk/client-ecr';

/** An upload that somebody else has started. */
export interface Continuation {
  region: string;
  repositoryName: string;
  uploadId: string;
  /** The offset to continue from. */
  first: number;
  /** The digest of the whole. */
  digest: string;
}

/**
 * Continues an upload in a process of its own, with a connection and credentials of its own.
 *
 * @returns what came of it
 */
export async function continueUpload(upload: Continuation, rest: Uint8Array): Promise<string> {
  return await new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [import.meta.filename, JSON.stringify(upload)],
      { timeout: 60_000 },
      (error, stdout) => (error ? reject(error) : resolve(stdout.trim())),
    );
    child.stdin?.end(rest);
  });
}

async function main(): Promise<void> {
  const { region, repositoryName, uploadId, first, digest } = JSON.parse(
    process.argv[2] ?? '',
  ) as Continuation;
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const layerPartBlob = Buffer.concat(chunks);
  const ecr = new ECRClient({ region });
  try {
    const partLastByte = first + layerPartBlob.length - 1;
    await ecr.send(
      new UploadLayerPartCommand({
        repositoryName,
        uploadId,
        partFirstByte: first,
        partLastByte,
        layerPartBlob,
      }),
    );
    await ecr.send(new CompleteLayerUploadCommand({ repositoryName, uploadId, layerDigests: [digest] }));
    console.log('the layer is complete');
  } catch (error) {
    console.log((error as Error).name);
  } finally {
    ecr.destroy();
  }
}

if (import.meta.main) await main();

import { randomBytes } from 'node:crypto';
import {
  CreateRepositoryCommand,
  DescribeImageReplicationStatusCommand,
  type ECRClient,
  InitiateLayerUploadCommand,
  type InvalidLayerPartException,
  PutImageCommand,
  UploadLayerPartCommand,
} from '@aws-sdk/client-ecr';
import { digestOf } from '../../core/oci/digest.ts';
import { continueUpload } from './continue-upload.ts';
import {
  descriptor,
  indexType,
  type LiveRegistry,
  makeImage,
  manifestType,
  putBlob,
  putManifest,
  startUpload,
} from './registry.ts';

/** Something that the code relies on and that only a real registry can show. */
export interface Fact {
  name: string;
  /** Where the repository says so. */
  where: string;
  /** What it says there. */
  expected: string;
  /** Tries it. @returns what the registry did, in a few words */
  probe(subject: Subject): Promise<string>;
}

export interface Subject {
  registry: LiveRegistry;
  region: string;
  /** A prefix of names that belongs to this run alone. */
  prefix: string;
}

const answered = ({ status, code }: { status: number; code: string | undefined }) =>
  code === undefined ? `${status}` : `${status} ${code}`;

/** A new repository of the run. */
async function repository({ registry, prefix }: Subject, immutable = false): Promise<string> {
  const repositoryName = `${prefix}/${randomBytes(4).toString('hex')}`;
  await registry.ecr.send(
    new CreateRepositoryCommand({
      repositoryName,
      imageTagMutability: immutable ? 'IMMUTABLE' : 'MUTABLE',
    }),
  );
  return repositoryName;
}

/** An image that is complete and tagged. */
async function taggedImage({ registry }: Subject, name: string, layer = randomBytes(64), tag = '1') {
  const manifest = await makeImage(registry, name, layer, name);
  const put = await putManifest(registry, name, manifest, tag);
  if (put.status !== 201) throw new Error(`PUT of an image was answered ${answered(put)}`);
  return { ...put, manifest };
}

async function mountOf({ registry }: Subject, layer: Uint8Array, from: string, into: string) {
  const query = new URLSearchParams({ mount: digestOf(layer), from });
  return answered(await registry.request('POST', `${into}/blobs/uploads/?${query}`));
}

/** The name of the error that a call ends in; an answer otherwise. */
async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'accepted';
  } catch (error) {
    return (error as Error).name;
  }
}

function artifactOf(subject: { digest: string; body: string }, config: object) {
  return {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: 'application/vnd.drayage.live',
    config,
    layers: [config],
    subject: { mediaType: manifestType, digest: subject.digest, size: Buffer.byteLength(subject.body) },
  };
}

const emptyType = 'application/vnd.oci.empty.v1+json';
const empty = Buffer.from('{}');

async function layerPart(
  ecr: ECRClient,
  repositoryName: string,
  uploadId: string,
  first: number,
  body: Buffer,
) {
  return await ecr.send(
    new UploadLayerPartCommand({
      repositoryName,
      uploadId,
      partFirstByte: first,
      partLastByte: first + body.length - 1,
      layerPartBlob: body,
    }),
  );
}

/** All facts, in the order in which they are tried. BLOB_MOUNTING is on. */
export const facts: readonly Fact[] = [
  {
    name: 'mount of a blob that no manifest names',
    where: 'docs/decisions/0010, CR#2860',
    expected: '202',
    async probe(subject) {
      const [from, into] = [await repository(subject), await repository(subject)];
      const layer = randomBytes(4_096);
      await putBlob(subject.registry, from, layer);
      return await mountOf(subject, layer, from, into);
    },
  },
  {
    name: 'mount of a blob of an image',
    where: 'docs/decisions/0010',
    expected: '201',
    async probe(subject) {
      const [from, into] = [await repository(subject), await repository(subject)];
      const layer = randomBytes(4_096);
      await taggedImage(subject, from, layer);
      return await mountOf(subject, layer, from, into);
    },
  },
  {
    name: 'part size of a layer upload',
    where: 'core/aws/ecr/layer-uploads.ts',
    expected: '5 to 20 MiB',
    async probe(subject) {
      const repositoryName = await repository(subject);
      const { partSize } = await subject.registry.ecr.send(
        new InitiateLayerUploadCommand({ repositoryName }),
      );
      return `${partSize} bytes`;
    },
  },
  {
    name: 'last valid byte before the first part',
    where: 'local/ecr/api/layer-uploads.ts',
    expected: 'InvalidLayerPartException, -1',
    async probe(subject) {
      const { ecr } = subject.registry;
      const repositoryName = await repository(subject);
      const { uploadId = '' } = await ecr.send(new InitiateLayerUploadCommand({ repositoryName }));
      try {
        await layerPart(ecr, repositoryName, uploadId, 1, randomBytes(64));
      } catch (error) {
        const { name, lastValidByteReceived } = error as InvalidLayerPartException;
        return `${name}, ${lastValidByteReceived}`;
      }
      return 'accepted';
    },
  },
  {
    name: 'another process continues an upload id',
    where: 'docs/decisions/0013',
    expected: 'the layer is complete',
    async probe(subject) {
      const { ecr } = subject.registry;
      const repositoryName = await repository(subject);
      const { uploadId = '', partSize = 0 } = await ecr.send(
        new InitiateLayerUploadCommand({ repositoryName }),
      );
      const [first, second] = [randomBytes(partSize), randomBytes(100_000)];
      await layerPart(ecr, repositoryName, uploadId, 0, first);
      const digest = digestOf(Buffer.concat([first, second]));
      const { region } = subject;
      return await continueUpload({ region, repositoryName, uploadId, first: partSize, digest }, second);
    },
  },
  {
    name: 'GET of an upload',
    where: 'CR#2831',
    expected: 'not known',
    async probe(subject) {
      const upload = await startUpload(subject.registry, await repository(subject));
      const answer = await subject.registry.request('GET', upload);
      return `${answered(answer)}, Range ${answer.headers.get('range') ?? 'missing'}`;
    },
  },
  {
    name: 'second PATCH of an upload',
    where: 'docs/decisions/0018, CR#2831',
    expected: '201, Range of the first',
    async probe({ registry, ...rest }) {
      const size = 5 * 1024 * 1024;
      let upload = await startUpload(registry, await repository({ registry, ...rest }));
      const answers: string[] = [];
      for (const first of [0, size]) {
        const body = randomBytes(size);
        const headers = {
          'content-type': 'application/octet-stream',
          'content-range': `${first}-${first + size - 1}`,
        };
        const answer = await registry.request('PATCH', upload, { headers, body });
        upload = answer.headers.get('location') ?? upload;
        answers.push(`${answered(answer)}, Range ${answer.headers.get('range') ?? 'missing'}`);
      }
      return answers.at(-1) ?? '';
    },
  },
  {
    name: 'PUT of a referrer of an image',
    where: 'core/copy/referrers',
    expected: '201, OCI-Subject not known',
    async probe(subject) {
      const { registry } = subject;
      const name = await repository(subject);
      const image = await taggedImage(subject, name);
      await putBlob(registry, name, empty);
      const put = await putManifest(registry, name, artifactOf(image, descriptor(emptyType, empty)));
      const list = await registry.request('GET', `${name}/referrers/${image.digest}`);
      const named = put.headers.has('oci-subject') ? 'with' : 'without';
      return `${answered(put)} ${named} OCI-Subject, referrers ${answered(list)}`;
    },
  },
  {
    name: 'PUT of a referrer before its image',
    where: 'core/copy/copy-image.ts',
    expected: 'not known',
    async probe(subject) {
      const name = await repository(subject);
      await putBlob(subject.registry, name, empty);
      const missing = { digest: digestOf(randomBytes(32)), body: '{}' };
      return answered(
        await putManifest(subject.registry, name, artifactOf(missing, descriptor(emptyType, empty))),
      );
    },
  },
  {
    name: 'index without its child',
    where: 'core/copy',
    expected: 'refused',
    async probe(subject) {
      const child = { mediaType: manifestType, digest: digestOf(randomBytes(32)), size: 100 };
      const index = { schemaVersion: 2, mediaType: indexType, manifests: [child] };
      return answered(await putManifest(subject.registry, await repository(subject), index));
    },
  },
  {
    name: 'immutable tag, the same digest again',
    where: 'docs/decisions/0011, CR#2380',
    expected: 'refused',
    async probe(subject) {
      const name = await repository(subject, true);
      const { manifest } = await taggedImage(subject, name);
      return answered(await putManifest(subject.registry, name, manifest, '1'));
    },
  },
  {
    name: 'POST to a missing repository',
    where: 'core/aws/ecr/create-repository.ts, CR#1970',
    expected: 'the connection breaks',
    async probe({ registry, prefix }) {
      try {
        return answered(await registry.request('POST', `${prefix}/missing/blobs/uploads/`));
      } catch {
        return 'the connection breaks';
      }
    },
  },
  {
    name: 'blob of no bytes',
    where: 'devcontainers/cli#814',
    expected: 'refused',
    async probe(subject) {
      return answered(await putBlob(subject.registry, await repository(subject), Buffer.alloc(0)));
    },
  },
  {
    name: 'forty PutImage at once',
    where: 'core/aws/ecr/call.ts',
    expected: 'ThrottlingException or none',
    async probe(subject) {
      const repositoryName = await repository(subject);
      const { body } = await taggedImage(subject, repositoryName);
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, n) =>
          outcome(
            subject.registry.ecr.send(
              new PutImageCommand({
                repositoryName,
                imageManifest: body,
                imageManifestMediaType: manifestType,
                imageTag: `t${n}`,
              }),
            ),
          ),
        ),
      );
      const counts = new Map<string, number>();
      for (const each of outcomes) counts.set(each, (counts.get(each) ?? 0) + 1);
      return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
    },
  },
  {
    name: 'replication status of an image',
    where: 'DescribeImageReplicationStatus',
    expected: 'a status for each destination',
    async probe(subject) {
      const repositoryName = await repository(subject);
      const { digest } = await taggedImage(subject, repositoryName);
      const command = new DescribeImageReplicationStatusCommand({
        repositoryName,
        imageId: { imageDigest: digest },
      });
      try {
        const { replicationStatuses = [] } = await subject.registry.ecr.send(command);
        return replicationStatuses.map(({ region, status }) => `${region} ${status}`).join(', ') || 'none';
      } catch (error) {
        return (error as Error).name;
      }
    },
  },
];

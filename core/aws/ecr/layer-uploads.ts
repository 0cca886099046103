import {
  CompleteLayerUploadCommand,
  type ECRClient,
  EmptyUploadException,
  InitiateLayerUploadCommand,
  InvalidLayerException,
  InvalidLayerPartException,
  LayerAlreadyExistsException,
  LayerPartTooSmallException,
  UploadLayerPartCommand,
  UploadNotFoundException,
} from '@aws-sdk/client-ecr';
import type { CallOptions } from '../../copy/ports.ts';
import type { Digest } from '../../oci/digest.ts';
import { RegistryError } from '../../registry/errors.ts';
import { type RetryPolicy, withRetries } from '../../registry/retry.ts';
import { called } from './call.ts';

const MiB = 1024 * 1024;
/**
 * Parts are at least so large but for the last, as LayerPartTooSmallException says; at most what
 * the API's model allows.
 */
const minPartBytes = 5 * MiB;
const maxPartBytes = 20 * MiB;
/** “Layer parts”: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html */
export const maxLayerParts = 4_200;

/**
 * A part is some 14 MB as JSON; the client's own limit is meant for small requests. Milliseconds.
 */
const partTimeoutMs = 60_000;
/**
 * On top of the SDK's five attempts, which are over after two seconds
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html): a layer of
 * gigabytes should outlive a minute of trouble.
 */
const policy: RetryPolicy = { attempts: 5, baseMs: 1_000, maxMs: 15_000, budgetMs: 90_000 };

/**
 * What the registry has of a layer after a part was sent: all before `bytes`, or nothing that can
 * be gone on with.
 */
export type PartAnswer = { kind: 'holds'; bytes: number } | { kind: 'lost' };

/**
 * The uploads of layers in parts at one repository, call by call.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
 *
 * Every call throws a RegistryError of the mirror's side, or the signal's reason.
 */
export class EcrLayerUploads {
  readonly #ecr: ECRClient;
  readonly #repositoryName: string;
  readonly #registry: string;

  /** @param registry `host/repository`, for messages. */
  constructor(ecr: ECRClient, repositoryName: string, registry: string) {
    this.#ecr = ecr;
    this.#repositoryName = repositoryName;
    this.#registry = registry;
  }

  /** Begins an upload; `partSize` is how large its parts shall be, bytes. */
  async initiate(options?: CallOptions): Promise<{ uploadId: string; partSize: number }> {
    const command = new InitiateLayerUploadCommand({ repositoryName: this.#repositoryName });
    const { uploadId, partSize } = await this.#call('InitiateLayerUpload', options, (http) =>
      this.#ecr.send(command, http),
    );
    if (!uploadId) throw new Error('InitiateLayerUpload gave no uploadId');
    return { uploadId, partSize: Math.min(maxPartBytes, Math.max(minPartBytes, partSize ?? 0)) };
  }

  /**
   * Sends the part that begins at `offset`. A part that the registry has already is told as held,
   * as one that it took is.
   */
  async send(
    uploadId: string,
    { offset, bytes }: { offset: number; bytes: Uint8Array },
    options?: CallOptions,
  ): Promise<PartAnswer> {
    const partLastByte = offset + bytes.byteLength - 1;
    const command = new UploadLayerPartCommand({
      repositoryName: this.#repositoryName,
      uploadId,
      partFirstByte: offset,
      partLastByte,
      layerPartBlob: bytes,
    });
    return await this.#call('UploadLayerPart', options, async (http) => {
      try {
        const { lastByteReceived = partLastByte } = await this.#ecr.send(command, {
          ...http,
          requestTimeout: partTimeoutMs,
        });
        return { kind: 'holds', bytes: lastByteReceived + 1 };
      } catch (error) {
        if (error instanceof UploadNotFoundException) return { kind: 'lost' };
        if (!(error instanceof InvalidLayerPartException)) throw error;
        const { lastValidByteReceived } = error;
        if (typeof lastValidByteReceived !== 'number') return { kind: 'lost' };
        // It is where we are, and yet refuses: the part is being received from somebody else, or
        // from us, before an answer was lost.
        if (lastValidByteReceived + 1 === offset) {
          throw uploadBusy(this.#registry, `the part is refused: ${error.message}`, error);
        }
        return { kind: 'holds', bytes: lastValidByteReceived + 1 };
      }
    });
  }

  /**
   * Makes a layer out of the parts.
   *
   * @returns whether the repository has the layer; false where the upload is gone or can't become
   *   one.
   * @throws RegistryError DIGEST_INVALID where the parts have another digest.
   */
  async complete(uploadId: string, digest: Digest, options?: CallOptions): Promise<boolean> {
    const command = new CompleteLayerUploadCommand({
      repositoryName: this.#repositoryName,
      uploadId,
      layerDigests: [digest],
    });
    return await this.#call('CompleteLayerUpload', options, async (http) => {
      try {
        await this.#ecr.send(command, { ...http, requestTimeout: partTimeoutMs });
        return true;
      } catch (error) {
        if (error instanceof LayerAlreadyExistsException) return true;
        if (
          error instanceof UploadNotFoundException ||
          error instanceof EmptyUploadException ||
          error instanceof LayerPartTooSmallException
        ) {
          return false;
        }
        if (!(error instanceof InvalidLayerException)) throw error;
        throw this.#failure('CompleteLayerUpload', {
          code: 'DIGEST_INVALID',
          reason: `the parts that it received are not ${digest}: ${error.message}`,
          remedy: 'mirror the image again: the layer is then uploaded from its beginning',
          cause: error,
        });
      }
    });
  }

  #call<T>(
    operation: string,
    options: CallOptions | undefined,
    call: (http: { abortSignal?: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    const signal = options?.signal;
    return withRetries(
      () => called({ operation, registry: this.#registry }, () => call({ abortSignal: signal }), options),
      policy,
      { signal },
    );
  }

  #failure(operation: string, failure: ConstructorParameters<typeof RegistryError>[1]): RegistryError {
    return new RegistryError({ side: 'mirror', registry: this.#registry, operation }, failure);
  }
}

/** Whether parts may have this size, bytes. */
export function isPartSize(bytes: number): boolean {
  return Number.isSafeInteger(bytes) && bytes >= minPartBytes && bytes <= maxPartBytes;
}

/** Another worker is uploading the same layer: its upload is left alone, and looked at later. */
export function uploadBusy(registry: string, reason: string, cause?: Error): RegistryError {
  return new RegistryError(
    { side: 'mirror', registry, operation: 'UploadLayerPart' },
    {
      code: 'UPLOAD_BUSY',
      reason,
      remedy: 'nothing is to be done: another worker uploads the same layer, and the job looks again later',
      temporary: true,
      cause,
    },
  );
}

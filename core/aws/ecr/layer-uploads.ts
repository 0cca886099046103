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
 * The minimum size of a part, except the last (LayerPartTooSmallException), and the maximum in the
 * API's model.
 */
const minPartBytes = 5 * MiB;
const maxPartBytes = 20 * MiB;
/** “Layer parts”: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html */
export const maxLayerParts = 4_200;

/**
 * A part is about 14 MB as JSON; the client's own timeout is meant for small requests.
 * Milliseconds.
 */
const partTimeoutMs = 60_000;
/**
 * On top of the SDK's five attempts, which are over after two seconds
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html): a layer of several
 * gigabytes should survive a minute of trouble.
 */
const policy: RetryPolicy = { attempts: 5, baseMs: 1_000, maxMs: 15_000, budgetMs: 90_000 };

/**
 * What the registry holds of a layer after a part was sent: everything before `bytes`, or nothing
 * that the upload can continue from.
 */
export type PartAnswer = { kind: 'holds'; bytes: number } | { kind: 'lost' };

/**
 * The calls that upload layers in parts to one repository.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
 *
 * Every call throws a RegistryError of the mirror side, or the signal's reason.
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

  /** Begins an upload; `partSize` is the size that its parts must have, in bytes. */
  async initiate(options?: CallOptions): Promise<{ uploadId: string; partSize: number }> {
    const command = new InitiateLayerUploadCommand({ repositoryName: this.#repositoryName });
    const { uploadId, partSize } = await this.#call('InitiateLayerUpload', options, (http) =>
      this.#ecr.send(command, http),
    );
    if (!uploadId) throw new Error('InitiateLayerUpload returned no uploadId');
    return { uploadId, partSize: Math.min(maxPartBytes, Math.max(minPartBytes, partSize ?? 0)) };
  }

  /**
   * Sends the part that begins at `offset`. A part that the registry already has is reported as
   * held, like one that it just accepted.
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
        // It is at our offset and still refuses the part: the part is being received from another
        // worker, or from us, in a request whose answer was lost.
        if (lastValidByteReceived + 1 === offset) {
          throw uploadBusy(this.#registry, `the part is refused: ${error.message}`, error);
        }
        return { kind: 'holds', bytes: lastValidByteReceived + 1 };
      }
    });
  }

  /**
   * Combines the parts into a layer.
   *
   * @returns whether the repository has the layer; false if the upload is gone or can't be
   *   completed.
   * @throws RegistryError DIGEST_INVALID if the parts have a different digest.
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
          reason: `the parts that it received do not have the digest ${digest}: ${error.message}`,
          remedy: 'mirror the image again: the layer is then uploaded from the beginning',
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

/** Another worker is uploading the same layer: its upload is left alone and checked later. */
export function uploadBusy(registry: string, reason: string, cause?: Error): RegistryError {
  return new RegistryError(
    { side: 'mirror', registry, operation: 'UploadLayerPart' },
    {
      code: 'UPLOAD_BUSY',
      reason,
      remedy:
        'no action is needed: another worker is uploading the same layer, and the job checks again later',
      temporary: true,
      cause,
    },
  );
}

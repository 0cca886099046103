import { randomUUID } from 'node:crypto';
import { RepositoryGoneError } from '../catalog.ts';
import { BodyTooLargeError, type HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { getAccountSetting, putAccountSetting } from './account-settings.ts';
import { getAuthorizationToken } from './authorization.ts';
import { ApiError } from './errors.ts';
import { describeImages, listImages } from './image-lists.ts';
import { describeImageScanFindings, startImageScan } from './image-scans.ts';
import { batchDeleteImage, batchGetImage } from './images.ts';
import { completeLayerUpload, initiateLayerUpload, uploadLayerPart } from './layer-uploads.ts';
import { batchCheckLayerAvailability, getDownloadUrlForLayer } from './layers.ts';
import { deleteLifecyclePolicy, getLifecyclePolicy, putLifecyclePolicy } from './lifecycle-policy.ts';
import { putImage } from './put-image.ts';
import { createRepository, deleteRepository, describeRepositories } from './repositories.ts';
import { deleteRepositoryPolicy, getRepositoryPolicy, setRepositoryPolicy } from './repository-policy.ts';
import { putImageScanningConfiguration, putImageTagMutability } from './repository-settings.ts';
import { listTagsForResource, tagResource, untagResource } from './resource-tags.ts';
import { updateImageStorageClass } from './storage-class.ts';

/** Performs one operation: JSON in, JSON out. @throws ApiError */
type Operation = (context: RegistryContext, body: unknown, exchange: HttpExchange) => Promise<unknown>;

const operations: Record<string, Operation> = {
  BatchCheckLayerAvailability: batchCheckLayerAvailability,
  BatchDeleteImage: batchDeleteImage,
  BatchGetImage: batchGetImage,
  CompleteLayerUpload: completeLayerUpload,
  CreateRepository: createRepository,
  DeleteLifecyclePolicy: deleteLifecyclePolicy,
  DeleteRepository: deleteRepository,
  DeleteRepositoryPolicy: deleteRepositoryPolicy,
  DescribeImageScanFindings: describeImageScanFindings,
  DescribeImages: describeImages,
  DescribeRepositories: describeRepositories,
  GetAccountSetting: getAccountSetting,
  GetAuthorizationToken: getAuthorizationToken,
  GetDownloadUrlForLayer: getDownloadUrlForLayer,
  GetLifecyclePolicy: getLifecyclePolicy,
  GetRepositoryPolicy: getRepositoryPolicy,
  InitiateLayerUpload: initiateLayerUpload,
  ListImages: listImages,
  ListTagsForResource: listTagsForResource,
  PutAccountSetting: putAccountSetting,
  PutImage: putImage,
  PutImageScanningConfiguration: putImageScanningConfiguration,
  PutImageTagMutability: putImageTagMutability,
  PutLifecyclePolicy: putLifecyclePolicy,
  SetRepositoryPolicy: setRepositoryPolicy,
  StartImageScan: startImageScan,
  TagResource: tagResource,
  UntagResource: untagResource,
  UpdateImageStorageClass: updateImageStorageClass,
  UploadLayerPart: uploadLayerPart,
};

/** A part of 10 MiB in base64 within JSON, or a manifest of 4 MiB with every character escaped. */
const maxBodyBytes = 32 * 1024 * 1024;

/** The header `X-Amz-Target` of AWS JSON 1.1 is this, a dot and the operation. */
const service = 'AmazonEC2ContainerRegistry_V20150921';

/**
 * The operation that a request names, such as `PutImage`; undefined if it does not belong to this
 * API.
 */
export function operationOf(target: string | undefined): string | undefined {
  return target?.startsWith(`${service}.`) ? target.slice(service.length + 1) : undefined;
}

/**
 * Answers a request of the ECR API: AWS JSON 1.1, `POST /`. Requests must be signed, but the signer
 * is not checked: anybody who reaches this port is the account.
 */
export async function routeApi(context: RegistryContext, exchange: HttpExchange): Promise<void> {
  try {
    if (!/^AWS4-/.test(exchange.header('authorization') ?? '')) {
      throw new ApiError('MissingAuthenticationTokenException', 'Missing Authentication Token');
    }
    const name = operationOf(exchange.header('x-amz-target')) ?? '';
    const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
    if (operation === undefined)
      throw new ApiError(
        'UnknownOperationException',
        `The embedded registry has no operation ${name.slice(0, 100)}`,
      );
    const output = await operation(context, await readJson(exchange), exchange);
    await sendApiJson(exchange, { status: 200, value: output });
  } catch (error) {
    const known = toApiError(error, context);
    if (known === undefined) throw error;
    const { name: type, message, fields } = known;
    await sendApiError(exchange, { status: 400, type, message, fields });
  }
}

/** An exception in the form of AWS JSON 1.1. */
export interface ApiFailure {
  status: number;
  /** Such as `ThrottlingException`. */
  type: string;
  message: string;
  /** The members of the exception besides its message. */
  fields?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** Answers with an exception. */
export function sendApiError(
  exchange: HttpExchange,
  { status, type, message, fields, headers }: ApiFailure,
): Promise<void> {
  return sendApiJson(exchange, { status, value: { __type: type, message, ...fields }, headers });
}

function sendApiJson(
  exchange: HttpExchange,
  {
    status,
    value,
    headers,
  }: { status: number; value: unknown; headers?: Record<string, string> | undefined },
): Promise<void> {
  return exchange.sendJson(status, value, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': randomUUID(),
    ...headers,
  });
}

async function readJson(exchange: HttpExchange): Promise<unknown> {
  const text = (await exchange.readBody(maxBodyBytes)).toString();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ApiError('SerializationException', 'The body is not JSON');
  }
}

function toApiError(error: unknown, context: RegistryContext): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof BodyTooLargeError) return new ApiError('InvalidParameterException', error.message);
  if (error instanceof RepositoryGoneError) {
    const message = `The repository with name '${error.repository}' does not exist in the registry with id '${context.accountId}'`;
    return new ApiError('RepositoryNotFoundException', message);
  }
  return undefined;
}

/** The exceptions of the ECR API that are used here. */
export type ApiErrorName =
  | 'EmptyUploadException'
  | 'ImageAlreadyExistsException'
  | 'ImageDigestDoesNotMatchException'
  | 'ImageNotFoundException'
  | 'ImageTagAlreadyExistsException'
  | 'InvalidLayerException'
  | 'InvalidLayerPartException'
  | 'InvalidParameterException'
  | 'InvalidTagParameterException'
  | 'LayerAlreadyExistsException'
  | 'LayerPartTooSmallException'
  | 'LayersNotFoundException'
  | 'LifecyclePolicyNotFoundException'
  | 'LimitExceededException'
  | 'MissingAuthenticationTokenException'
  | 'ReferencedImagesNotFoundException'
  | 'RepositoryAlreadyExistsException'
  | 'RepositoryNotEmptyException'
  | 'RepositoryNotFoundException'
  | 'RepositoryPolicyNotFoundException'
  | 'ScanNotFoundException'
  | 'SerializationException'
  | 'TooManyTagsException'
  | 'UnknownOperationException'
  | 'UnsupportedImageTypeException'
  | 'UploadNotFoundException';

/**
 * An operation's failure as the API reports it; `fields` are members of the exception besides its
 * message.
 */
export class ApiError extends Error {
  readonly fields: Record<string, unknown>;
  constructor(name: ApiErrorName, message: string, fields: Record<string, unknown> = {}) {
    super(message);
    this.name = name;
    this.fields = fields;
  }
}

/** The API's words for a parameter that breaks a rule. */
export function invalidParameter(parameter: string, constraint: string): ApiError {
  return new ApiError(
    'InvalidParameterException',
    `Invalid parameter at '${parameter}' failed to satisfy constraint: '${constraint}'`,
  );
}

import type { IamRequest } from './evaluate.ts';
import type { RecordedCall } from './recorder.ts';
import { account, region } from './template-policies.ts';

/** What the local stack's names are called where the template is deployed. */
export type Names = (local: string, kind: 'TABLE' | 'URL' | 'SECRET' | 'BUCKET') => string;

/**
 * The requests that IAM evaluates for a call: usually one, and more where an operation needs
 * several permissions.
 *
 * @param names translates names and URLs of the local stack
 * @throws Error for a call that is not known here: every call must be evaluated
 */
export function iamRequests(call: RecordedCall, names: Names): IamRequest[] {
  const of = requests[call.service];
  if (of === undefined) throw new Error(`${call.service} ${call.operation}: an unknown service`);
  return of(call, names);
}

const requests: Record<string, (call: RecordedCall, names: Names) => IamRequest[]> = {
  dynamodb: tableRequests,
  sqs: ({ operation, input }, names) => {
    // A batch needs the permission of one message:
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    const action = `sqs:${operation.replace(/Batch$/, '')}`;
    return [
      {
        action,
        resource: `arn:aws:sqs:${region}:${account}:${lastOf(names(String(input.QueueUrl), 'URL'))}`,
      },
    ];
  },
  s3: objectRequests,
  secretsmanager: ({ operation, input }, names) => {
    const id = names(String(input.SecretId), 'SECRET');
    const arn = `arn:aws:secretsmanager:${region}:${account}:secret:${id}-AbCdEf`;
    return [{ action: `secretsmanager:${operation}`, resource: id.startsWith('arn:') ? id : arn }];
  },
  events: ({ operation, input }) =>
    (input.Entries as { Source: string; DetailType: string; EventBusName?: string }[]).map((entry) => ({
      action: `events:${operation}`,
      resource: `arn:aws:events:${region}:${account}:event-bus/${entry.EventBusName ?? 'default'}`,
      context: { 'events:source': entry.Source, 'events:detail-type': entry.DetailType },
    })),
  ecr: ecrRequests,
  registry: registryRequests,
};

interface TableInput {
  TableName?: string;
  Key?: Item;
  Item?: Item;
  RequestItems?: Record<string, { Keys: Item[] }>;
  KeyConditionExpression?: string;
  UpdateExpression?: string;
  ConditionExpression?: string;
  FilterExpression?: string;
  ProjectionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, { S?: string }>;
  ReturnValues?: string;
}
type Item = Record<string, { S?: string }>;

const keywords =
  /^(?:SET|REMOVE|ADD|DELETE|AND|OR|NOT|IN|BETWEEN|attribute_exists|attribute_not_exists|attribute_type|if_not_exists|list_append|begins_with|contains|size)$/;

/** The top-level attributes that an expression names. */
function namedIn(expression = '', names: Record<string, string> = {}): string[] {
  const words = expression.match(/(?<![:\w.#])#?[A-Za-z_]\w*/g) ?? [];
  return words.filter((word) => !keywords.test(word)).map((word) => names[word] ?? word);
}

/**
 * The condition keys are those that DynamoDB fills in from a request.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
function tableRequests({ operation, input }: RecordedCall, names: Names): IamRequest[] {
  const request = input as TableInput;
  const of = (table: string, leadingKeys: string[], attributes: string[]): IamRequest => ({
    action: `dynamodb:${operation}`,
    resource: `arn:aws:dynamodb:${region}:${account}:table/${names(table, 'TABLE')}`,
    context: {
      'dynamodb:LeadingKeys': [...new Set(leadingKeys)],
      ...(attributes.length > 0 && { 'dynamodb:Attributes': [...new Set(attributes)] }),
      ...(request.ReturnValues && { 'dynamodb:ReturnValues': request.ReturnValues }),
    },
  });
  if (request.RequestItems)
    return Object.entries(request.RequestItems).map(([table, { Keys }]) =>
      of(
        table,
        Keys.map(({ pk }) => pk?.S ?? ''),
        [],
      ),
    );
  const attributeNames = request.ExpressionAttributeNames;
  const attributes = [
    ...Object.keys(request.Key ?? {}),
    ...Object.keys(request.Item ?? {}),
    ...[
      request.KeyConditionExpression,
      request.UpdateExpression,
      request.ConditionExpression,
      request.FilterExpression,
      request.ProjectionExpression,
    ].flatMap((expression) => namedIn(expression, attributeNames)),
  ];
  return [of(request.TableName ?? '', [leadingKey(request)], attributes)];
}

function leadingKey(request: TableInput): string {
  const given = request.Key?.pk?.S ?? request.Item?.pk?.S;
  if (given !== undefined) return given;
  const [, value = ''] = /\bpk\s*=\s*(:\w+)/.exec(request.KeyConditionExpression ?? '') ?? [];
  const asked = request.ExpressionAttributeValues?.[value]?.S;
  if (asked === undefined) throw new Error(`no partition key: ${JSON.stringify(request)}`);
  return asked;
}

/** HEAD tells whether an object is there, which needs the permission to list the bucket. */
function objectRequests({ operation, path }: RecordedCall, names: Names): IamRequest[] {
  const [, bucket = '', key = ''] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const arn = `arn:aws:s3:::${names(bucket, 'BUCKET')}`;
  if (operation === 'PUT') return [{ action: 's3:PutObject', resource: `${arn}/${key}` }];
  if (operation !== 'GET' && operation !== 'HEAD') throw new Error(`s3 ${operation} ${path}`);
  return [
    { action: 's3:GetObject', resource: `${arn}/${key}` },
    { action: 's3:ListBucket', resource: arn },
  ];
}

const repositoryArn = (name: string) => `arn:aws:ecr:${region}:${account}:repository/${name}`;

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html */
function ecrRequests({ operation, input }: RecordedCall): IamRequest[] {
  const action = `ecr:${operation}`;
  if (['GetAuthorizationToken', 'GetAccountSetting', 'PutAccountSetting'].includes(operation))
    return [{ action, resource: '*' }];
  const { repositoryName, repositoryNames, resourceArn, tags } = input as {
    repositoryName?: string;
    repositoryNames?: string[];
    resourceArn?: string;
    tags?: unknown[];
  };
  // Without names, all repositories are listed.
  const all = operation === 'DescribeRepositories' ? ['*'] : [];
  const [, fromArn] = /:repository\/(.+)$/.exec(resourceArn ?? '') ?? [];
  const wanted = repositoryName ?? fromArn;
  const repositories = repositoryNames ?? (wanted === undefined ? all : [wanted]);
  if (repositories.length === 0) throw new Error(`${action}: no repository in ${JSON.stringify(input)}`);
  return repositories.flatMap((name) => [
    { action, resource: repositoryArn(name) },
    ...(operation === 'CreateRepository' && tags?.length
      ? [{ action: 'ecr:TagResource', resource: repositoryArn(name) }]
      : []),
  ]);
}

/**
 * Requests of the registry protocol need the permissions of the API's operations.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
 */
function registryRequests({ operation: method, path, query }: RecordedCall): IamRequest[] {
  if (path === '/v2/') return [];
  const [, repository = '', kind = '', item = ''] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|referrers|tags)\/([^/]*)$/.exec(path) ?? [];
  const actions = registryActions[`${method} ${kind}`];
  if (actions === undefined) throw new Error(`the registry protocol's ${method} ${path}`);
  const from = query.get('mount') === null ? null : query.get('from');
  return [
    ...actions.map((action) => ({ action: `ecr:${action}`, resource: repositoryArn(repository) })),
    ...(item === '' && from !== null
      ? [{ action: 'ecr:GetDownloadUrlForLayer', resource: repositoryArn(from) }]
      : []),
  ];
}

const registryActions: Record<string, string[]> = {
  'HEAD blobs': ['BatchCheckLayerAvailability'],
  'GET blobs': ['GetDownloadUrlForLayer'],
  'POST blobs/uploads': ['InitiateLayerUpload'],
  'PATCH blobs/uploads': ['UploadLayerPart'],
  'GET blobs/uploads': ['UploadLayerPart'],
  'PUT blobs/uploads': ['UploadLayerPart', 'CompleteLayerUpload'],
  'HEAD manifests': ['BatchGetImage'],
  'GET manifests': ['BatchGetImage'],
  'PUT manifests': ['PutImage'],
  'GET referrers': ['BatchGetImage'],
};

function lastOf(url: string): string {
  return url.split('/').at(-1) ?? '';
}

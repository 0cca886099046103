import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardWrites, SchemaGuard } from '../../core/aws/dynamodb/schema/guard.ts';
import { schemaKey } from '../../core/aws/dynamodb/schema/state.ts';
import { updateItem } from '../../core/aws/dynamodb/table.ts';
import { DynamoWebhookStates } from '../../core/aws/dynamodb/webhook-states.ts';
import { enqueue, NotQueuedError } from '../../core/jobs/enqueue.ts';
import { keyOf, type LocalStores, mappingOf, startStores } from '../support/local-stores.ts';
import { MemoryQueue } from '../support/mirror-jobs.ts';
import { configOf, mirrorTemplate, type Statement, statementsOf } from './mirror-template.ts';

/** What a request touches, as IAM sees it. */
interface Access {
  action: string;
  leadingKey: string;
  attributes: string[];
  returnValues: string | undefined;
}

interface Input {
  Key?: { pk: string; sk: string };
  Item?: { pk: string };
  UpdateExpression?: string;
  ConditionExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ReturnValues?: string;
}

const keywords =
  /^(?:SET|REMOVE|ADD|DELETE|AND|OR|NOT|IN|BETWEEN|attribute_exists|attribute_not_exists|if_not_exists)$/;

/** The top-level attributes that an expression names. */
function namedIn(expression = '', names: Record<string, string> = {}): string[] {
  const words = expression.match(/(?<![:\w.#])#?[A-Za-z_]\w*/g) ?? [];
  return words.filter((word) => !keywords.test(word)).map((word) => names[word] ?? word);
}

function accessOf(command: string, input: Input): Access {
  const names = input.ExpressionAttributeNames;
  return {
    action: `dynamodb:${command.replace(/Command$/, '')}`,
    leadingKey: input.Key?.pk ?? input.Item?.pk ?? '',
    attributes: [
      ...new Set([
        ...Object.keys(input.Key ?? {}),
        ...Object.keys(input.Item ?? {}),
        ...namedIn(input.UpdateExpression, names),
        ...namedIn(input.ConditionExpression, names),
      ]),
    ],
    returnValues: input.ReturnValues,
  };
}

/** Evaluates the conditions that the stack uses, as IAM does. */
function allows({ actions, conditions }: Statement, access: Access): boolean {
  const of = (operator: string, key: string) =>
    (conditions[operator] as Record<string, string[]> | undefined)?.[key];
  const keys = of('ForAllValues:StringLike', 'dynamodb:LeadingKeys') ?? ['*'];
  const attributes = of('ForAllValues:StringEquals', 'dynamodb:Attributes');
  const returned = of('StringEqualsIfExists', 'dynamodb:ReturnValues');
  return (
    actions.includes(access.action) &&
    keys.some((key) => new RegExp(`^${key.replaceAll('*', '.*')}$`, 's').test(access.leadingKey)) &&
    (attributes === undefined || access.attributes.every((name) => attributes.includes(name))) &&
    (returned === undefined || access.returnValues === undefined || returned.includes(access.returnValues))
  );
}

describe('what the webhook function may do with the table', () => {
  const statements = statementsOf(mirrorTemplate(), 'webhook').filter(({ actions }) =>
    actions.every((action) => action.startsWith('dynamodb:')),
  );
  const isAllowed = (access: Access) => statements.some((statement) => allows(statement, access));
  let stores: LocalStores;
  const made: Access[] = [];
  beforeAll(async () => {
    stores = await startStores();
    stores.table.client.middlewareStack.add(
      (next, context) => (args) => {
        made.push(accessOf(String(context.commandName), args.input as Input));
        return next(args);
      },
      { step: 'initialize' },
    );
    guardWrites(stores.table, new SchemaGuard(stores.table));
  });
  afterAll(() => stores.close());

  it('is all that it does there: counting events, recording and parking jobs, noting deliveries', async () => {
    const queue = new MemoryQueue();
    const deps = { config: configOf(), mappings: stores.mappings, jobs: stores.jobs, queue };
    const image = { key: keyOf('1.27'), toldDigest: undefined };
    await enqueue([image], 'webhook', deps);
    queue.refuses = () => true;
    await expect(enqueue([image], 'webhook', deps)).rejects.toThrow(NotQueuedError);
    const states = new DynamoWebhookStates(stores.table);
    await states.read('hub');
    await states.note('hub', { deliveredAt: '2026-04-01T12:00:00.000Z' });
    expect(new Set(made.map(({ action }) => action))).toEqual(
      new Set(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']),
    );
    expect(made.length).toBeGreaterThan(8);
    expect(made.filter(({ leadingKey }) => leadingKey === 'schema')).toHaveLength(1);
    expect(made.filter((access) => !isAllowed(access))).toEqual([]);
  });

  it('includes nothing about mappings, leases or what copies need', async () => {
    made.length = 0;
    const key = keyOf('1.27');
    await stores.mappings.read(key);
    await stores.mappings.beginResolve(key);
    const lease = await stores.mappings.acquireLease(key, 'job', 1_000);
    if (lease === undefined) throw new Error('no lease');
    await stores.mappings.putDigest(keyOf(mappingOf('x').digest), mappingOf('x'));
    await stores.mappings.releaseLease(key, lease);
    await stores.mappings.putRegistryHost('eu-west-1', 'elsewhere.example');
    await stores.mappings.registryHosts();
    await updateItem(stores.table, schemaKey, { update: 'SET version = :v', values: { ':v': 1 } });
    expect(made).toHaveLength(8);
    expect(made.filter(isAllowed)).toEqual([]);
  });
});

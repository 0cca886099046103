import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { restoredMirror } from '../app.ts';

const secret = (name: string, region = 'eu-west-1') =>
  `arn:aws:secretsmanager:${region}:111122223333:secret:${name}-AbCdEf`;
const context = {
  table: 'drayage-restored',
  webhookSecret: secret('drayage-webhooks'),
  apiSecret: secret('drayage-api'),
};

/** The environment variables of all functions of the mirror, which have a table. */
function environments(template: Template): Record<string, unknown>[] {
  return Object.values(template.findResources('AWS::Lambda::Function'))
    .map(({ Properties }) => Properties.Environment?.Variables ?? {})
    .filter((variables) => 'DRAYAGE_TABLE' in variables);
}

test('the stack makes no table and no secret, and its functions use those that are there', () => {
  const template = Template.fromStack(restoredMirror(new App({ context })));
  template.resourceCountIs('AWS::DynamoDB::Table', 0);
  template.resourceCountIs('AWS::SecretsManager::Secret', 0);
  const all = environments(template);
  assert.ok(all.length >= 7, `${all.length} functions have a table`);
  for (const variables of all) assert.equal(variables.DRAYAGE_TABLE, context.table);
  const api = all.find((variables) => 'DRAYAGE_API_SECRET' in variables);
  assert.equal(api?.DRAYAGE_API_SECRET, context.apiSecret);
  assert.equal(api?.DRAYAGE_WEBHOOK_SECRET, context.webhookSecret);
});

test('its functions may only use that table and those secrets', () => {
  const template = Template.fromStack(restoredMirror(new App({ context })));
  const statements = Object.values(template.findResources('AWS::IAM::Policy')).flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement,
  );
  const resources = (service: string) =>
    new Set(
      statements
        .filter(({ Action }) => [Action].flat().some((action) => action.startsWith(`${service}:`)))
        .flatMap(({ Resource }) => Resource)
        .map((resource) => JSON.stringify(resource))
        // What the CDK grants of an imported table that has no index.
        .filter((resource) => resource !== '{"Ref":"AWS::NoValue"}'),
    );
  const tables = [...resources('dynamodb')];
  assert.equal(tables.length, 1, tables.join());
  assert.match(tables[0] ?? '', /table\/drayage-restored"/);
  assert.deepEqual(
    [...resources('secretsmanager')].sort(),
    [context.apiSecret, context.webhookSecret].map((arn) => JSON.stringify(arn)).sort(),
  );
});

test('all settings that are missing are listed', () => {
  assert.throws(() => restoredMirror(new App({ context: { table: 'drayage-restored' } })), {
    message: /context webhookSecret=.*\n.*context apiSecret=/,
  });
});

test('a secret of another region is refused before anything is deployed', () => {
  const elsewhere = { ...context, apiSecret: secret('drayage-api', 'us-east-1') };
  assert.throws(() => restoredMirror(new App({ context: elsewhere })), {
    message: /secrets\.api: it is in us-east-1, and the stack is deployed into eu-west-1/,
  });
});

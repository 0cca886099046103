import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { resolveProps } from '../../lib/image-mirror-props.ts';
import { ImageMirrorStack } from '../../lib/image-mirror-stack.ts';
import { isAllowed } from '../support/iam/evaluate.ts';
import { deploy } from '../support/iam/template-policies.ts';
import { configOf, mirrorStack, mirrorTemplate, smallConfig } from './mirror-template.ts';

const keyArn = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const upstreams = `
notify: [{ url: "https://hooks.example.com/", secret: drayage/notify }]
upstreams:
  - registry: docker.io
    webhook: { source: dockerhub }
    repositories: [{ match: library/nginx, retention: { keepNewest: 3 } }]
  - registry: 444455556666.dkr.ecr.us-east-1.amazonaws.com
    webhook: { source: ecr }
    repositories: [{ match: "team/*" }]
`;
const yaml = (encryption: string) =>
  `version: 1\nmirror: { regions: [eu-west-1] }\n${encryption}${upstreams}`;
const encrypted = yaml(`encryption: { kmsKey: "${keyArn}" }\n`);

/** What of each resource says how it is encrypted. */
function encryptionOf(template: Template): Record<string, unknown> {
  const fields: Record<string, string[]> = {
    'AWS::DynamoDB::Table': ['SSESpecification'],
    'AWS::SQS::Queue': ['KmsMasterKeyId', 'SqsManagedSseEnabled'],
    'AWS::S3::Bucket': ['BucketEncryption'],
    'AWS::SecretsManager::Secret': ['KmsKeyId'],
    'AWS::Logs::LogGroup': ['KmsKeyId'],
  };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([type, names]) =>
      Object.entries(template.findResources(type)).map(([id, { Properties = {} }]) => [
        id,
        Object.fromEntries(
          names.filter((name) => name in Properties).map((name) => [name, Properties[name]]),
        ),
      ]),
    ),
  );
}

describe('a customer managed key', () => {
  const plain = mirrorTemplate(yaml(''));
  const template = mirrorTemplate(encrypted);

  it('encrypts all that the mirror stores, and replaces none of it', () => {
    const found = encryptionOf(template);
    expect(Object.keys(found).length).toBeGreaterThan(20);
    for (const [id, how] of Object.entries(found)) expect(JSON.stringify(how), id).toContain(keyArn);
    for (const { Properties } of Object.values(template.findResources('AWS::SQS::Queue')))
      expect(Properties).not.toHaveProperty('SqsManagedSseEnabled');
    const resources = (of: Template) => Object.keys(of.toJSON().Resources).sort();
    expect(resources(template)).toEqual(resources(plain));
  });

  it('is not there by default, and nothing else changes with it', () => {
    expect(JSON.stringify(plain.toJSON())).not.toContain(':key/');
    for (const how of Object.values(encryptionOf(plain)))
      expect(JSON.stringify(how)).not.toMatch(/Kms(?:Master)?Key/);
  });

  it('leaves the queues to the rules that may send, as without it', () => {
    const policies = (of: Template) => of.findResources('AWS::SQS::QueuePolicy');
    expect(policies(template)).toEqual(policies(plain));
  });

  it('is used by each function only through the services that it uses', async () => {
    const deployed = deploy(template);
    const may = (name: string, action: string, service: string, resource = keyArn) =>
      isAllowed(deployed, name, {
        action: `kms:${action}`,
        resource,
        context: { 'kms:ViaService': `${service}.eu-west-1.amazonaws.com` },
      });
    const used: Record<string, string[]> = {
      webhook: ['dynamodb', 'sqs', 'secretsmanager'],
      mirror: ['dynamodb', 'sqs'],
      layer: ['dynamodb', 'sqs'],
      api: ['dynamodb', 'sqs', 's3', 'secretsmanager'],
      schedule: ['dynamodb', 'sqs'],
      reconcile: ['dynamodb', 'sqs'],
      retention: ['dynamodb'],
      'registry-events': ['dynamodb', 'sqs'],
      snapshot: ['dynamodb', 's3'],
      notify: ['sqs'],
      'blob-mounting': [],
    };
    expect([...deployed.functions.keys()].sort()).toEqual(Object.keys(used).sort());
    for (const [name, services] of Object.entries(used))
      for (const service of ['dynamodb', 'sqs', 's3', 'secretsmanager', 'ecr', 'logs']) {
        expect(await may(name, 'Decrypt', service), `${name} ${service}`).toBe(services.includes(service));
        expect(await may(name, 'Decrypt', service, `${keyArn.slice(0, -1)}c`)).toBe(false);
        expect(await may(name, 'ScheduleKeyDeletion', service)).toBe(false);
      }
  });

  it('has no finding of cdk-nag', () => {
    const { violations } = new AwsSolutionsChecks().validateScope(mirrorStack(encrypted));
    expect(violations).toEqual([]);
  });

  it('lets EventBridge and CloudWatch Logs of the account use it, if it belongs to the app', () => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
    const env = { region: 'eu-west-1', account: '111122223333' };
    const encryptionKey = new Key(new Stack(app, 'Keys', { env }), 'Key', { enableKeyRotation: true });
    const stack = new ImageMirrorStack(app, 'Drayage', { env, config: configOf(yaml('')), encryptionKey });
    const [key] = Object.values(Template.fromStack(Stack.of(encryptionKey)).findResources('AWS::KMS::Key'));
    const statements = key?.Properties.KeyPolicy.Statement.filter(({ Sid }: { Sid?: string }) => Sid);
    expect(statements).toMatchObject([
      {
        Sid: 'DrayageEvents',
        Principal: { Service: 'events.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
      },
      { Sid: 'DrayageLogs', Principal: { Service: 'logs.eu-west-1.amazonaws.com' } },
    ]);
    expect(Object.keys(encryptionOf(Template.fromStack(stack))).length).toBeGreaterThan(20);
  });

  it('is refused in another region, and if there are two', () => {
    const config = configOf(encrypted);
    expect(() => resolveProps({ config }, { region: 'eu-central-1' })).toThrow(
      /config encryption.kmsKey: the key is in eu-west-1, and the stack is deployed into eu-central-1/,
    );
    const encryptionKey = Key.fromKeyArn(new Stack(), 'Key', keyArn);
    expect(() => resolveProps({ config, encryptionKey })).toThrow(/encryptionKey: .*remove one of them/);
    const props = { config: configOf(smallConfig), encryptionKey };
    expect(() => resolveProps(props, { region: 'us-east-1' })).toThrow(
      /encryptionKey: the key is in eu-west-1/,
    );
    expect(resolveProps(props, { region: 'eu-west-1' }).encryptionKey).toBe(encryptionKey);
  });

  it('is named by its ARN alone', () => {
    expect(() => configOf(yaml('encryption: { kmsKey: alias/mirror }\n'))).toThrow(
      /is not the ARN of a KMS key/,
    );
  });
});

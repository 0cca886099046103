import { describe, expect, it } from 'vitest';
import { mirrorTemplate } from './mirror-template.ts';

/*
 * CloudFormation replaces a resource whose logical id changes: data, secrets, waiting messages or
 * the address that upstreams know would be lost. So these ids never change; the id of a construct
 * or its place in the tree may not either.
 */
const lasting = {
  'AWS::DynamoDB::Table': ['MirrorTable6463EAF8'],
  'AWS::SecretsManager::Secret': ['MirrorSecretsApi3EE0E102', 'MirrorSecretsWebhooks42DE6E77'],
  'AWS::S3::Bucket': ['MirrorSnapshotsBucket549BE1F7'],
  'AWS::SQS::Queue': [
    'MirrorLayerQueueC517CBD8',
    'MirrorLayerQueueDeadLetters0819B7AD',
    'MirrorQueue08D8000D',
    'MirrorQueueDeadLetters7121499C',
    'MirrorRegistryEventsDeadLettersB6C46C95',
    'MirrorRegistryEventsQueueE6BAD4CD',
  ],
  // Its identifier is part of the address.
  'AWS::ApiGatewayV2::Api': ['MirrorApiC85E83E5'],
};

describe('logical ids', () => {
  const template = mirrorTemplate();

  it.each(Object.entries(lasting))('of %s stay as they are', (type, ids) => {
    expect(Object.keys(template.findResources(type)).sort()).toEqual(ids);
  });

  it('are listed above for everything that holds something', () => {
    const { Resources } = template.toJSON() as {
      Resources: Record<string, { Type: string; DeletionPolicy?: string }>;
    };
    const kept = Object.values(Resources).filter(({ DeletionPolicy }) =>
      DeletionPolicy?.startsWith('Retain'),
    );
    expect(kept.length).toBeGreaterThan(0);
    for (const { Type } of kept) expect(Object.keys(lasting)).toContain(Type);
  });
});

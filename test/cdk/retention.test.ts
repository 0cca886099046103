import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate, smallConfig, statementsOf } from './mirror-template.ts';

const plain = mirrorTemplate(smallConfig);
const template = mirrorTemplate(
  smallConfig.replace('{ match: acme/** }', '{ match: acme/**, retention: { unmappedFor: 30d } }'),
);

describe('retention', () => {
  it('has no function, and nobody may delete images, unless a rule asks for it', () => {
    expect(() => functionOf(plain, 'retention')).toThrow('0 functions');
    expect(JSON.stringify(plain.toJSON())).not.toContain('BatchDeleteImage');
  });

  it('lets its function alone delete images, and only those of the mirror', () => {
    const deleting = statementsOf(template, 'retention').filter(({ actions }) =>
      actions.includes('ecr:BatchDeleteImage'),
    );
    expect(deleting).toEqual([
      {
        actions: ['ecr:DescribeImages', 'ecr:BatchGetImage', 'ecr:BatchDeleteImage'],
        conditions: {},
        resources: ['arn:<AWS::Partition>:ecr:eu-west-1:<AWS::AccountId>:repository/yard/images/*'],
      },
    ]);
    const text = JSON.stringify(template.toJSON());
    expect(text.split('BatchDeleteImage').length - 1).toBe(1);
  });

  it('reaches only its own items and those that say what stays, and no queue', () => {
    const statements = statementsOf(template, 'retention');
    const keys = statements.flatMap(({ conditions }) => {
      const items = conditions as
        | { 'ForAllValues:StringLike'?: { 'dynamodb:LeadingKeys': string[] } }
        | undefined;
      return items?.['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'] ?? [];
    });
    expect(keys.sort()).toEqual([
      'history#*',
      'repo#*',
      'repos',
      'retention',
      'retention#*',
      'schema',
      'snapshot',
    ]);
    const actions = statements.flatMap((statement) => statement.actions);
    expect(actions.filter((action) => !/^(ecr|dynamodb|logs|events):/.test(action))).toEqual([]);
    expect(actions).not.toContain('dynamodb:Scan');
  });
});

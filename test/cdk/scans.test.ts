import { describe, expect, it } from 'vitest';
import { mirrorTemplate, smallConfig, statementsOf } from './mirror-template.ts';

const scan = 'require: { scan: { block: CRITICAL } }';
const template = mirrorTemplate(smallConfig.replace('match: acme/**', `match: acme/**, ${scan}`));
const without = mirrorTemplate();
const repositories = 'arn:<AWS::Partition>:ecr:eu-west-1:<AWS::AccountId>:repository/yard/images/*';
const queue = 'MirrorRegistryEventsQueueE6BAD4CD';

const rulesOf = (of: typeof template) =>
  Object.values(of.findResources('AWS::Events::Rule')).filter(({ Properties }) =>
    Properties.EventPattern?.['detail-type']?.includes('ECR Image Scan'),
  );
const scanActions = (name: string, of: typeof template) =>
  statementsOf(of, name).filter(({ actions }) =>
    actions.some((action) => action.includes('ImageScan') && !action.includes('Configuration')),
  );

describe('a deployment whose rules ask for scans', () => {
  it('lets only the mirror function ask for scans, and only below the prefix', () => {
    expect(scanActions('mirror', template)).toEqual([
      {
        actions: ['ecr:DescribeImageScanFindings', 'ecr:StartImageScan'],
        resources: [repositories],
        conditions: {},
      },
    ]);
    for (const name of ['webhook', 'layer', 'api', 'schedule', 'reconcile', 'registry-events'])
      expect(scanActions(name, template)).toEqual([]);
  });

  it('delivers the events of scans to the function that wakes jobs, which may read who waits', () => {
    expect(rulesOf(template).map(({ Properties }) => Properties)).toMatchObject([
      {
        EventPattern: {
          source: ['aws.ecr'],
          account: [{ Ref: 'AWS::AccountId' }],
          region: ['eu-west-1'],
          detail: { 'repository-name': [{ prefix: 'yard/images/' }] },
        },
        Targets: [{ Arn: { 'Fn::GetAtt': [queue, 'Arn'] } }],
      },
    ]);
    expect(statementsOf(template, 'registry-events')).toContainEqual(
      expect.objectContaining({
        actions: ['dynamodb:GetItem'],
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['scans#*', 'jobs#*'] } },
      }),
    );
  });
});

describe('a deployment whose rules ask for none', () => {
  it('has neither the permissions nor the rule', () => {
    expect(scanActions('mirror', without)).toEqual([]);
    expect(rulesOf(without)).toEqual([]);
  });
});

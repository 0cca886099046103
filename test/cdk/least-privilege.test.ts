import type { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionNames, mirrorTemplate, type Statement, statementsOf } from './mirror-template.ts';

/** A configuration that needs every function and every kind of permission. */
const everything = `
version: 1
mirror:
  regions: [eu-west-1]
  repositoryPrefix: yard/images
  repository: { encryption: { kmsKey: alias/mirror }, tags: { team: platform } }
api: { reads: iam }
notify: [{ url: "https://hooks.example.com/", secret: drayage/notify }]
upstreams:
  - registry: docker.io
    credentials: { secret: drayage/docker-hub }
    webhook: { source: dockerhub, name: hub }
    repositories:
      - match: library/nginx
        retention: { keepNewest: 3 }
        require: { scan: { block: CRITICAL } }
        verify: { cosign: { key: "awskms:///alias/sign" } }
  - registry: 444455556666.dkr.ecr.us-east-1.amazonaws.com
    webhook: { source: ecr }
    credentials: { type: ecr, roleArn: "arn:aws:iam::444455556666:role/pull" }
    repositories: [{ match: "team/*" }]
`;
const template = mirrorTemplate(everything);
const names = [...functionNames, 'retention', 'notify', 'blob-mounting'];
const own = 'arn:<AWS::Partition>:ecr:eu-west-1:<AWS::AccountId>:';

const literally = (text: string) => new RegExp(`^${text.replaceAll('*', '\\*').replaceAll('.', '\\.')}$`);

/** Every wildcard that a policy may have, and why: whatever is not here is refused. */
const wildcards: { resource: RegExp; actions: RegExp; condition?: string; because: string }[] = [
  {
    resource: /^\*$/,
    actions: /^ecr:GetAuthorizationToken$/,
    because: 'the operation has no resource',
  },
  {
    resource: /^\*$/,
    actions: /^ecr:(?:Get|Put)AccountSetting$/,
    because: 'the setting belongs to the whole registry: the operation has no resource',
  },
  {
    resource: literally(`${own}repository/yard/images/*`),
    actions: /^ecr:[A-Za-z]+$/,
    because: 'repositories are made when an image first needs them: only their prefix is known',
  },
  {
    resource: literally(`${own}repository/*`),
    actions: /^ecr:DescribeRepositories$/,
    because: 'ECR lists repositories only for a whole registry',
  },
  {
    resource: /^<\w+\.Arn>\/exports\/\*$/,
    actions: /^s3:(?:Get|Put)Object$/,
    because: 'the names of exports are made of version, format and filter',
  },
  {
    resource: /:kms:eu-west-1:<AWS::AccountId>:key\/\*$/,
    actions: /^kms:(?:DescribeKey|CreateGrant|RetireGrant|GetPublicKey)$/,
    condition: 'kms:ResourceAliases',
    because: 'a policy can name a key by its alias only in a condition',
  },
];

function wide(of: Template): { name: string; statement: Statement; text: string }[] {
  return names.flatMap((name) =>
    statementsOf(of, name).flatMap((statement) =>
      [...statement.actions, ...statement.resources]
        .filter((text) => text.includes('*'))
        .map((text) => ({ name, statement, text })),
    ),
  );
}

function reasonFor({ statement, text }: { statement: Statement; text: string }): string | undefined {
  return wildcards.find(
    ({ resource, actions, condition }) =>
      resource.test(text) &&
      statement.actions.every((action) => actions.test(action)) &&
      (condition === undefined || JSON.stringify(statement.conditions).includes(`"${condition}"`)),
  )?.because;
}

describe('the policies of the functions', () => {
  it('have a wildcard only for a reason, and every reason is needed', () => {
    const found = wide(template).map((one) => ({ ...one, because: reasonFor(one) }));
    expect(found.filter(({ because }) => because === undefined)).toEqual([]);
    expect(new Set(found.map(({ because }) => because))).toEqual(
      new Set(wildcards.map(({ because }) => because)),
    );
  });

  it('name every action in full', () => {
    for (const name of names)
      for (const { actions } of statementsOf(template, name))
        for (const action of actions) expect(action).toMatch(/^[a-z0-9]+:[A-Z][A-Za-z0-9]+$/);
  });
});

describe('queues and buckets', () => {
  it('all refuse requests without TLS', () => {
    const insecure = { Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } };
    const protectedBy = (type: string, refs: (properties: Record<string, unknown>) => unknown[]) =>
      Object.values(template.findResources(type))
        .filter(({ Properties }) =>
          Properties.PolicyDocument.Statement.some(
            (one: Record<string, unknown>) =>
              JSON.stringify({ Effect: one.Effect, Condition: one.Condition }) === JSON.stringify(insecure),
          ),
        )
        .flatMap(({ Properties }) => refs(Properties))
        .map((ref) => (ref as { Ref: string }).Ref)
        .sort();
    const queues = Object.keys(template.findResources('AWS::SQS::Queue')).sort();
    expect(queues.length).toBeGreaterThan(8);
    expect(protectedBy('AWS::SQS::QueuePolicy', ({ Queues }) => Queues as unknown[])).toEqual(queues);
    const buckets = Object.keys(template.findResources('AWS::S3::Bucket')).sort();
    expect(protectedBy('AWS::S3::BucketPolicy', ({ Bucket }) => [Bucket])).toEqual(buckets);
  });

  it('are all encrypted', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::SQS::Queue')))
      expect(Properties.SqsManagedSseEnabled).toBe(true);
    for (const { Properties } of Object.values(template.findResources('AWS::S3::Bucket')))
      expect(Properties.BucketEncryption).toBeDefined();
  });
});

describe('the order of creation', () => {
  it('repeats nothing that a reference says already (cfn-lint’s W3005)', () => {
    const resources = template.toJSON().Resources as Record<
      string,
      { DependsOn?: string[]; Properties?: unknown }
    >;
    const repeated = Object.entries(resources).flatMap(([id, { DependsOn = [], Properties }]) => {
      const text = JSON.stringify(Properties ?? {});
      return [DependsOn]
        .flat()
        .filter((other) => text.includes(`{"Ref":"${other}"}`) || text.includes(`["${other}",`))
        .map((other) => `${id} after ${other}`);
    });
    expect(repeated).toEqual([]);
  });

  it('creates the policies of a function before it, and those of blob mounting before the setting', () => {
    for (const [id, { DependsOn, Properties }] of Object.entries(
      template.findResources('AWS::Lambda::Function'),
    )) {
      if (Properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME === undefined) continue;
      const [role] = Properties.Role['Fn::GetAtt'];
      const policies = Object.entries(template.findResources('AWS::IAM::Policy'))
        .filter(([, policy]) => policy.Properties.Roles.some((one: { Ref: string }) => one.Ref === role))
        .map(([policy]) => policy);
      expect(policies, id).toHaveLength(1);
      expect(DependsOn, id).toEqual(expect.arrayContaining(policies));
    }
    const [setting] = Object.values(template.findResources('Custom::BlobMounting'));
    expect(setting?.DependsOn).toEqual([
      expect.stringMatching(/^MirrorBlobMountingHandlerRoleDefaultPolicy/),
    ]);
  });
});

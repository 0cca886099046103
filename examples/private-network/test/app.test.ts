import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { privateNetwork } from '../app.ts';

const account = '111122223333';

describe('a mirror in a private network', () => {
  let hub: Template;
  before(() => {
    const app = new App();
    const stack = privateNetwork(app, account);
    app.synth();
    hub = Template.fromStack(stack);
  });

  test('runs its functions in the VPC', () => {
    const functions = Object.values(hub.findResources('AWS::Lambda::Function')).filter(
      ({ Properties }) => 'DRAYAGE_TABLE' in (Properties.Environment?.Variables ?? {}),
    );
    assert.ok(functions.length >= 7);
    for (const { Properties } of functions) {
      assert.ok(Properties.VpcConfig?.SubnetIds?.length > 0);
      assert.ok(Properties.VpcConfig?.SecurityGroupIds?.length > 0);
    }
  });

  test('may assume the role of the upstream account, and no other', () => {
    const roles = Object.values(hub.findResources('AWS::IAM::Policy'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .filter(({ Action }) => [Action].flat().includes('sts:AssumeRole'))
      .flatMap(({ Resource }) => Resource);
    assert.deepEqual([...new Set(roles)], ['arn:aws:iam::222233334444:role/drayage-pull']);
  });

  test('lets the accounts of the clusters pull', () => {
    const app = new App();
    privateNetwork(app, account);
    const { directory } = app.synth();
    // Each function's code has the configuration beside it.
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
      (file) => basename(file) === 'mirror.json',
    );
    assert.ok(files.length >= 7);
    for (const file of files) {
      const { mirror } = JSON.parse(readFileSync(join(directory, file), 'utf8'));
      assert.deepEqual(mirror.repository.pullAccounts, ['444455556666', '777788889999']);
    }
  });

  test('is refused without an account', () => {
    assert.throws(() => privateNetwork(new App(), undefined), /the account is not known/);
  });
});

import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

describe('the custom resource for blob mounting', () => {
  const template = mirrorTemplate();
  const [setting, ...others] = Object.entries(template.findResources('Custom::BlobMounting'));
  const handler = functionOf(template, 'blob-mounting').id;

  it('exists once, is answered by its function, and is waited for at most five minutes', () => {
    expect(others).toEqual([]);
    expect(setting?.[1].Properties).toEqual({
      ServiceToken: { 'Fn::GetAtt': [handler, 'Arn'] },
      ServiceTimeout: '300',
    });
  });

  it('is created once its function may change the setting', () => {
    const policies = Object.entries(template.findResources('AWS::IAM::Policy')).filter(([, { Properties }]) =>
      JSON.stringify(Properties).includes('ecr:PutAccountSetting'),
    );
    expect(policies).toHaveLength(1);
    expect(setting?.[1].DependsOn).toContain(policies[0]?.[0]);
  });

  it.each(['mirror', 'layer'])('comes before the %s function, which relies on it', (name) => {
    const copier = template.findResources('AWS::Lambda::Function')[functionOf(template, name).id];
    expect(copier?.DependsOn).toContain(setting?.[0]);
  });

  it('is left out along with its function if the props say so', () => {
    const without = mirrorTemplate(undefined, { blobMounting: false });
    without.resourceCountIs('Custom::BlobMounting', 0);
    expect(() => functionOf(without, 'blob-mounting')).toThrow('0 functions');
    expect(JSON.stringify(without.toJSON())).not.toContain('PutAccountSetting');
  });
});

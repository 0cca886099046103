import { describe, expect, it } from 'vitest';
import { readAppSettings } from '../../lib/app-settings.ts';

const settings = (context: Record<string, unknown>, variables: Record<string, string> = {}) =>
  readAppSettings({ tryGetContext: (key: string) => context[key] }, variables);

describe('the settings of the CDK app', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual({ configFile: './mirror.yaml', environment: {} });
  });

  it('take the configuration from the context, or else from DRAYAGE_CONFIG', () => {
    expect(settings({ config: 'a.yaml' }, { DRAYAGE_CONFIG: 'b.yaml' }).configFile).toBe('a.yaml');
    expect(settings({}, { DRAYAGE_CONFIG: 'b.yaml' }).configFile).toBe('b.yaml');
  });

  it.each([{ A_B: 'c' }, '{"A_B":"c"}'])('take additional environment variables as %j', (environment) => {
    expect(settings({ environment }).environment).toEqual({ A_B: 'c' });
  });

  it.each(['', '{', 'null', '[]', '["A"]', '{"A":1}', [], null, 7, { A: 1 }])(
    'refuse the environment %j',
    (value) => {
      expect(() => settings({ environment: value })).toThrow(
        'context environment: it must be a JSON object of strings',
      );
    },
  );

  it.each([7, '', ['a.yaml']])('refuse the configuration %j', (config) => {
    expect(() => settings({ config })).toThrow(`context config: ${JSON.stringify(config)} is not a path`);
  });
});

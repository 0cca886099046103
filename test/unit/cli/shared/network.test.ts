import { describe, expect, it } from 'vitest';
import { networkFrom } from '../../../../cli/shared/network.ts';

describe('the proxies of the environment', () => {
  it('are accepted in either case, and an empty one as none', () => {
    expect(networkFrom({ HTTPS_PROXY: 'proxy.example:3128', https_proxy: '' }).proxy).toEqual({
      https: 'http://proxy.example:3128/',
      http: undefined,
      noProxy: undefined,
    });
    expect(networkFrom({ https_proxy: '', HTTP_PROXY: '' }).proxy).toBeUndefined();
  });

  it('leave out the hosts of NO_PROXY, even if no_proxy is empty', () => {
    const env = { HTTP_PROXY: 'http://proxy.example', NO_PROXY: 'registry.example', no_proxy: '' };
    expect(networkFrom(env).proxy?.noProxy).toBe('registry.example');
    expect(networkFrom({ ...env, no_proxy: 'other.example' }).proxy?.noProxy).toBe('other.example');
  });

  it.each(['ftp://proxy.example', 'http://', 'http://user:s3cr%zz@proxy.example'])(
    'are refused without being shown: %s',
    (value) => {
      const asked = () => networkFrom({ HTTPS_PROXY: value });
      expect(asked).toThrow('HTTPS_PROXY');
      expect(asked).not.toThrow('s3cr');
    },
  );
});

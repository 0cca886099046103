import { expect, it } from 'vitest';
import { outsideNetwork } from '../../../lambda/shared/outside-network.ts';

it('has the proxy, the hosts without it, the certificates, and the runtime API of Lambda', () => {
  const network = {
    vpc: 'vpc-01234567',
    proxy: 'http://proxy.internal:3128',
    noProxy: ['registry.internal', '10.0.0.5:5000'],
    certificates: 'PEM',
  };
  expect(outsideNetwork({ network }, { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' })).toEqual({
    proxy: {
      http: 'http://proxy.internal:3128',
      https: 'http://proxy.internal:3128',
      noProxy: 'registry.internal,10.0.0.5:5000',
    },
    certificates: 'PEM',
    runtimeApi: '127.0.0.1:9001',
  });
});

it('guards the runtime API without any configuration', () => {
  expect(outsideNetwork({}, { AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001' })).toEqual({
    runtimeApi: '127.0.0.1:9001',
  });
  expect(outsideNetwork({}, {}).runtimeApi).toBeUndefined();
});

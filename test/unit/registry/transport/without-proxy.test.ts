import { describe, expect, it } from 'vitest';
import { isWithoutProxy } from '../../../../core/registry/transport/network.ts';

describe('isWithoutProxy', () => {
  it.each([
    ['https://registry.internal/v2/', 'registry.internal', true],
    ['https://a.registry.internal/', 'registry.internal', true],
    ['https://a.registry.internal/', '.registry.internal', true],
    ['https://a.registry.internal/', '*.registry.internal', true],
    ['https://registry.internal.evil.example/', 'registry.internal', false],
    ['https://evilregistry.internal/', 'registry.internal', false],
    ['https://registry.internal:5000/', 'registry.internal:5000', true],
    ['https://registry.internal/', 'registry.internal:5000', false],
    ['https://registry.internal/', 'registry.internal:443', true],
    ['http://registry.internal/', 'registry.internal:80', true],
    ['https://REGISTRY.internal/', 'other.internal, Registry.Internal', true],
    ['https://[fd12::1]:5000/', 'fd12::1', true],
    ['https://[fd12::1]:5000/', '[fd12::1]:5000', true],
    ['https://[fd12::1]/', '[fd12::1]:5000', false],
    ['https://10.0.0.5/', '10.0.0.0/8', false],
    ['https://ghcr.io/', '', false],
    ['https://ghcr.io/', ' , ', false],
    ['https://ghcr.io/', '*', true],
    // This machine itself, whatever the list says.
    ['http://127.0.0.1:9001/', '', true],
    ['http://localhost/', 'a.example', true],
    ['http://[::1]/', '', true],
  ])('of %s with %j is %s', (url, noProxy, without) => {
    expect(isWithoutProxy(new URL(url), { noProxy })).toBe(without);
  });
});

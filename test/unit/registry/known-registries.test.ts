import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { knownRegistry } from '../../../core/registry/known-registries.ts';
import { drayageVersion } from '../../../core/registry/transport/version.ts';

describe('knownRegistry', () => {
  it('knows that Docker Hub’s API and token service are on other hosts', () => {
    expect(knownRegistry('docker.io')).toEqual({
      endpoint: 'https://registry-1.docker.io',
      authHosts: ['auth.docker.io'],
    });
  });

  it.each(['ghcr.io', 'r.example:5000', '[::1]:5000', 'constructor'])('takes %s at its word', (registry) => {
    expect(knownRegistry(registry)).toEqual({ endpoint: `https://${registry}`, authHosts: [] });
  });

  it('gives each caller its own list', () => {
    knownRegistry('docker.io').authHosts.push('evil.example');
    expect(knownRegistry('docker.io').authHosts).toEqual(['auth.docker.io']);
  });
});

it('sends the package’s version to registries', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  expect(drayageVersion).toBe(manifest.version);
});

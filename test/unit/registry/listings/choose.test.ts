import { describe, expect, it } from 'vitest';
import { tagApiOf } from '../../../../core/registry/listings/choose.ts';

const upstream = (registry: string, endpoint = `https://${registry}`, ...sources: string[]) => ({
  registry,
  endpoint,
  webhooks: sources.map((source) => ({ source, name: source, options: {} })),
});
const hub = { kind: 'docker-hub', endpoint: 'https://hub.docker.com' };

describe('tagApiOf', () => {
  it.each([
    ['docker.io', upstream('docker.io', 'https://registry-1.docker.io'), hub],
    ['quay.io', upstream('quay.io'), { kind: 'quay' }],
    ['a sender of Quay’s webhooks', upstream('q.example', undefined, 'generic', 'quay'), { kind: 'quay' }],
    ['a sender of Harbor’s webhooks', upstream('h.example', undefined, 'harbor'), { kind: 'harbor' }],
    ['any other registry', upstream('r.example:5000', undefined, 'generic'), { kind: 'detect' }],
    ['what only ends like Google’s', upstream('notgcr.io'), { kind: 'detect' }],
  ])('finds that of %s', (_, each, expected) => {
    expect(tagApiOf(each)).toEqual(expected);
  });

  it.each<[string, ReturnType<typeof upstream>]>([
    ['docker.io through a cache', upstream('docker.io', 'https://cache.example')],
    ['a Harbor at a written endpoint', upstream('h.example', 'http://h.example', 'harbor')],
    ...['gcr.io', 'eu.gcr.io', 'us-docker.pkg.dev', 'registry.k8s.io', 'ghcr.io', 'a.azurecr.io'].map(
      (registry): [string, ReturnType<typeof upstream>] => [registry, upstream(registry)],
    ),
    ['private ECR', upstream('123456789012.dkr.ecr.eu-west-1.amazonaws.com')],
    ['public ECR', upstream('public.ecr.aws', undefined, 'harbor')],
  ])('finds none for %s', (_, each) => {
    expect(tagApiOf(each)).toBeUndefined();
  });
});

import { App } from 'aws-cdk-lib';
import type { Counts } from '../../core/cost/counts.ts';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { ImageMirrorStack } from '../../lib/image-mirror-stack.ts';

interface Resource {
  Type: string;
  Properties?: { MemorySize?: number; Environment?: { Variables?: Record<string, unknown> } };
}

/** What the smallest deployment has that costs money each month, from its template. */
export function deployedIn(): Omit<Counts['deployed'], 'metrics'> {
  const parsed = parseConfig(`
version: 1
mirror: { regions: [us-east-1], repositoryPrefix: mirror }
upstreams:
  - registry: ghcr.io
    webhook: { source: github }
    repositories: [{ match: acme/** }]
`);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ message }) => message).join('\n'));
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  new ImageMirrorStack(app, 'Drayage', { config: parsed.config, env: { region: 'us-east-1' } });
  const resources = Object.values<Resource>(app.synth().getStackByName('Drayage').template.Resources);
  const countOf = (type: string) => resources.filter(({ Type }) => Type === type).length;
  const memory = resources.flatMap(({ Type, Properties }) => {
    const name = Properties?.Environment?.Variables?.POWERTOOLS_SERVICE_NAME;
    return Type === 'AWS::Lambda::Function' && typeof name === 'string'
      ? [[name, Properties?.MemorySize ?? 128] as const]
      : [];
  });
  return {
    memory: Object.fromEntries(memory.sort(([a], [b]) => a.localeCompare(b))),
    alarms: countOf('AWS::CloudWatch::Alarm'),
    secrets: countOf('AWS::SecretsManager::Secret'),
  };
}

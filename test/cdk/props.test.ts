import { describe, expect, it } from 'vitest';
import { InvalidImageMirrorPropsError } from '../../lib/image-mirror-props.ts';
import type { ImageMirrorStackProps } from '../../lib/image-mirror-stack.ts';
import { mirrorStack } from './mirror-template.ts';

function problemsOf(props: Partial<ImageMirrorStackProps>, yaml?: string): readonly string[] {
  try {
    mirrorStack(yaml, props);
  } catch (error) {
    if (error instanceof InvalidImageMirrorPropsError) return error.problems;
    throw error;
  }
  throw new Error('the props were taken');
}

describe('wrong props', () => {
  it('are reported all at once, each with its field, value and limits', () => {
    const problems = problemsOf({
      mirrorMemorySize: 128,
      maxConcurrency: 1,
      layerConcurrency: 1_001,
      webhookConcurrency: 0,
      throttle: { ratePerSecond: 0, burst: 1.5 },
      environment: { 'A-B': 'x', DRAYAGE_TABLE: 'mine' },
    });
    expect(problems).toEqual([
      'mirrorMemorySize: 128 is not a whole number from 512 to 10240',
      'maxConcurrency: 1 is not a whole number from 2 to 1000',
      'layerConcurrency: 1001 is not a whole number from 2 to 1000',
      'webhookConcurrency: 0 is not a whole number from 1 to 1000',
      'throttle.ratePerSecond: 0 is not a whole number from 1 to 10000',
      'throttle.burst: 1.5 is not a whole number from 1 to 5000',
      "environment: 'A-B' is not a name that Lambda accepts: letters, digits and _, a letter first",
      "environment: 'DRAYAGE_TABLE' is set by the mirror itself: remove it",
    ]);
  });

  it('include a region that is not the first in the configuration', () => {
    expect(problemsOf({ env: { region: 'us-east-1' } })).toEqual([
      "config mirror.regions: the first region is eu-west-1, and the stack is deployed into us-east-1: give the stack env: { region: 'eu-west-1' }, or change the configuration",
    ]);
    // Known only at deployment.
    expect(mirrorStack(undefined, { env: {} }).region).toContain('Token');
  });

  it('are listed in the message, one per line', () => {
    const error = new InvalidImageMirrorPropsError(['a: 1', 'b: 2']);
    expect(error.message).toBe("the image mirror can't be built:\n  a: 1\n  b: 2");
  });
});

describe('a configuration that this stack does not build', () => {
  it('is refused rather than silently left out', () => {
    const problems = problemsOf(
      {},
      `
version: 1
mirror: { regions: [eu-west-1, us-east-1] }
network: { vpc: vpc-0123456789abcdef0, caBundle: ca.pem }
upstreams:
  - registry: ghcr.io
    repositories: [{ match: "**", verify: { cosign: { key: cosign.pub } } }]
`,
    );
    expect(problems).toEqual([
      expect.stringContaining('config mirror.regions: eu-west-1, us-east-1'),
      expect.stringContaining('config network.caBundle: the certificates have not been read'),
      expect.stringContaining('verify: its keys and trusted roots have not been read'),
      expect.stringContaining('config network.vpc: the subnets of vpc-0123456789abcdef0'),
    ]);
  });

  it('accepts a proxy, and certificates that were read', () => {
    const text =
      'version: 1\nmirror: { regions: [eu-west-1] }\nnetwork: { proxy: "http://proxy.example:3128" }\n';
    expect(() => problemsOf({}, text)).toThrow('the props were taken');
  });
});

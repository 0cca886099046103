import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { CostReport } from '../../cli/cost/report.ts';
import { drayage } from '../support/drayage.ts';

describe('drayage cost', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-cost-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const json = async (...args: string[]) => {
    const result = await drayage(['cost', '--json', ...args]);
    expect(result, result.stderr).toMatchObject({ code: 0, stderr: '' });
    return JSON.parse(result.stdout) as CostReport;
  };
  const config = (regions: string) =>
    file(
      'mirror.yaml',
      `version: 1\nmirror: { regions: [${regions}], repositoryPrefix: mirror }\nupstreams: [{ registry: ghcr.io, repositories: [{ match: acme/** }] }]\n`,
    );

  it('shows a column for each number of pushes, and sums', async () => {
    const { stdout, stderr, code } = await drayage(['cost', '--pushes', '100', '10000', '1000000']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^A month in us-east-1, US dollars, list prices of \d{4}-\d\d-\d\d;/);
    expect(stdout).toMatch(/^PUSHES A MONTH +100 +10,000 +1,000,000$/m);
    for (const item of ['Lambda: duration', 'SQS: FIFO requests', 'DynamoDB: writes', 'ECR: image storage'])
      expect(stdout).toContain(item);
    const [, idle = ''] = /^without any push +(\$\S+)/m.exec(stdout) ?? [];
    expect(Number(idle.slice(1))).toBeGreaterThan(1);
    expect(stdout).toMatch(/^all +\$\S+ +\$\S+ +\$\S+$/m);
  });

  it('takes region and regions from the configuration', async () => {
    const one = await json('--config', config('eu-west-1'), '--pushes', '1000');
    expect(one).toMatchObject({
      region: 'eu-west-1',
      shape: { regions: 1 },
      prices: { apiRequest: 1.11e-6 },
    });
    const two = await json('--config', config('eu-west-1, us-east-1'), '--pushes', '1000');
    const usd = ({ estimates }: CostReport) => estimates[0]?.usd ?? 0;
    expect(usd(two)).toBeGreaterThan(usd(one) * 1.3);
    const large = await json('--config', config('eu-west-1'), '--pushes', '1000', '--copied', '1GB');
    expect(usd(large)).toBeGreaterThan(usd(one) * 5);
  }, 60_000);

  it('refuses a region whose prices it does not know, unless they are given', async () => {
    const refused = await drayage(['cost', '--region', 'ap-south-1']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('the prices of ap-south-1 are not known here');
    const { prices } = await json();
    const all = file('all.json', JSON.stringify(prices));
    const own = await json('--region', 'ap-south-1', '--prices', all);
    expect(own).toMatchObject({ region: 'ap-south-1', prices });
    expect(own.pricesDate).toBeUndefined();
  });

  it.each([
    [['--pushes', '-1'], /whole number|argument missing|unknown option/],
    [['--pushes', '1e3'], /whole number/],
    [['--copied', 'much'], /write a size/],
    [['--kept', '0'], /number of months/],
    [['--prices', '/nonexistent/prices.json'], /no such file|ENOENT/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr, stdout } = await drayage(['cost', ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });
});

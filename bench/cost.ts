import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counts, Use } from '../core/cost/counts.ts';
import { countUse } from './cost/count.ts';
import { deployedIn } from './cost/deployed.ts';
import { markdownTable } from './statistics.ts';

/** Where `drayage cost` takes the counts from. */
const countsFile = join(import.meta.dirname, '../core/cost/counts.json');

/**
 * Counts what pushes and idle minutes use of AWS, and writes it down for `drayage cost`
 * (`core/cost/counts.json`).
 */
export async function benchCost(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'drayage-bench-'));
  try {
    const { metrics, ...counted } = await countUse(folder);
    const counts: Counts = {
      measured: new Date().toISOString().slice(0, 10),
      ...counted,
      deployed: { ...deployedIn(), metrics: metrics.length },
    };
    writeFileSync(countsFile, `${JSON.stringify(counts, null, 2)}\n`);
    return report(counts, metrics);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function report({ pushes, idleMinute, snapshot, deployed }: Counts, metrics: string[]): string {
  const uses: [string, Use][] = [
    ['first image of a repository', pushes.first],
    ['next version', pushes.next],
    ['nothing new', pushes.nothing],
    ['a minute without work', idleMinute],
    ['a snapshot after a change', snapshot],
  ];
  const row = (what: string, value: (use: Use) => string | number) => [
    what,
    ...uses.map(([, use]) => String(value(use) || '')),
  ];
  return [
    '## What a push uses of AWS',
    'Counted at the servers of the local stack; the functions as they are bundled, warm, each in a process of its own. An image has 15 layers of 3 kB, of which a next version changes two. SQS includes receiving and deleting the message, which Lambda does. Units are what DynamoDB bills.',
    '',
    markdownTable(
      ['', ...uses.map(([what]) => what)],
      [
        row('invocations', ({ functions }) =>
          Object.entries(functions)
            .map(([name, { invocations, cpuMs }]) => `${invocations} ${name} (${cpuMs} ms CPU)`)
            .join(', '),
        ),
        row('table: read units', ({ tableReads }) => tableReads),
        row('table: write units', ({ tableWrites }) => tableWrites),
        row('SQS: FIFO requests', ({ sqsFifo }) => sqsFifo),
        row('SQS: standard requests', ({ sqsStandard }) => sqsStandard),
        row('S3: PUT', ({ s3Puts }) => s3Puts),
        row('S3: GET and HEAD', ({ s3Gets }) => s3Gets),
        row('own events', ({ busEvents }) => busEvents),
        row('requests to registries', ({ registryRequests }) => registryRequests),
        row('bytes logged', ({ logBytes }) => logBytes),
      ],
    ),
    '',
    `The smallest deployment has ${deployed.alarms} alarms and ${deployed.secrets} secrets. The functions recorded ${metrics.length} metrics: ${metrics.join(', ')}.`,
  ].join('\n');
}

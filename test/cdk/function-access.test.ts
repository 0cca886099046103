import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Config } from '../../core/config/config.ts';
import { type IamRequest, isAllowed } from '../support/iam/evaluate.ts';
import { iamRequests, type Names } from '../support/iam/iam-requests.ts';
import { everythingConfig, work } from '../support/iam/pipeline-work.ts';
import { recordCalls } from '../support/iam/recorder.ts';
import { type Deployed, deploy } from '../support/iam/template-policies.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { functionNames, mirrorTemplate, statementsOf } from './mirror-template.ts';

const names = [...functionNames, 'retention', 'notify', 'blob-mounting'];
const notifySecret = { 'notify/ours': { secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}` } };

/** A request of IAM, and the function that makes it. */
interface Made extends IamRequest {
  function: string;
}

describe('what the functions ask of AWS', () => {
  let pipeline: Pipeline;
  let deployed: Deployed;
  let template: ReturnType<typeof mirrorTemplate>;
  /** Without repetitions. */
  const made = new Map<string, Made>();
  const receiver = createServer((_, response) => response.end());

  beforeAll(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const notifyUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const { calls, stop } = recordCalls();
    let config: Config | undefined;
    try {
      pipeline = await startPipeline({
        configure: (upstream) => {
          config = everythingConfig(upstream, notifyUrl);
          return config;
        },
        upstreamSecrets: notifySecret,
        fanOutBytes: 50_000,
        scheduleMs: 200,
      });
      if (config === undefined) throw new Error('no configuration');
      await work(pipeline, config);
      await vi.waitFor(() => expect(calls.map((call) => call.function)).toContain('notify'), 10_000);
    } finally {
      stop();
    }
    template = mirrorTemplate(undefined, { config });
    deployed = deploy(template);
    const translate = namesOf(pipeline, deployed);
    for (const call of calls) {
      if (!deployed.functions.has(call.function)) continue;
      for (const request of iamRequests(call, translate)) {
        const one = { function: call.function, ...request };
        made.set(JSON.stringify(one), one);
      }
    }
    for (const one of [...deployed.functions.values()].flatMap(lambdaItself))
      made.set(JSON.stringify(one), one);
  }, 300_000);
  afterAll(async () => {
    await pipeline?.[Symbol.asyncDispose]();
    receiver.close();
  });

  const of = (name: string) => [...made.values()].filter((one) => one.function === name);
  const actionsOf = (name: string) => new Set(of(name).map(({ action }) => action));

  it.each(names)('%s: IAM allows all of it', async (name) => {
    const refused = [];
    for (const one of of(name)) if (!(await isAllowed(deployed, name, one))) refused.push(one);
    expect(refused).toEqual([]);
    expect(of(name).length).toBeGreaterThan(2);
  });

  it('covers every service, and both APIs of the registry', () => {
    const all = [...made.values()].map(({ action }) => action);
    const services = new Set(all.map((action) => action.split(':')[0]));
    expect([...services].sort()).toEqual([
      'dynamodb',
      'ecr',
      'events',
      'logs',
      's3',
      'secretsmanager',
      'sqs',
    ]);
  });

  it('is all that they may do with the table, except for what uploads in parts and later watches need', () => {
    const unused = functionNames.flatMap((name) =>
      statementsOf(template, name)
        .flatMap(({ actions }) => actions)
        .filter((action) => action.startsWith('dynamodb:') && !actionsOf(name).has(action))
        .map((action) => `${name} ${action}`),
    );
    // A job's watch is put again ten minutes after it was recorded
    // (test/local/jobs/resend.test.ts).
    expect(unused).toEqual(['mirror dynamodb:DeleteItem', 'schedule dynamodb:PutItem']);
  });
});

/** What the local stack's names are where the template is deployed: from the environments. */
function namesOf({ stack }: Pipeline, { functions }: Deployed): Names {
  const translated = new Map<string, string>();
  for (const { environment } of functions.values())
    for (const [variable, value] of Object.entries(environment)) {
      const local = stack.environment[variable];
      // The local table and bucket have the same name.
      if (local) translated.set(`${variable.split('_').at(-1)} ${local}`, value);
    }
  return (local, kind) => translated.get(`${kind} ${local}`) ?? local;
}

/**
 * What Lambda does with a function's role: it reads the queue, and the runtime writes the log.
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
 */
function lambdaItself({ name, sources, logGroup }: { name: string; sources: string[]; logGroup: string }) {
  return [
    ...sources.flatMap((resource) =>
      ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'].map((action) => ({
        function: name,
        action: `sqs:${action}`,
        resource,
      })),
    ),
    ...['CreateLogStream', 'PutLogEvents'].map((action) => ({
      function: name,
      action: `logs:${action}`,
      resource: `arn:aws:logs:eu-west-1:111122223333:log-group:${logGroup}:log-stream:one`,
    })),
  ];
}

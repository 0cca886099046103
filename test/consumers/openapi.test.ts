import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage, seededIndex } from '../support/seeded-image.ts';
import { runSchemathesis } from './schemathesis.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 2_000 }] });

/** Mirrors what the examples of docs/openapi.yaml name, and makes a job of each kind. */
async function fill(pipeline: Pipeline): Promise<void> {
  const mirror = async (repository: string, tag: string, content: Parameters<Pipeline['push']>[2]) => {
    await pipeline.push(repository, tag, content);
    await pipeline.github(repository, tag);
  };
  await mirror('acme/shop', '1.0', image('first'));
  await mirror('acme/index', '1', seededIndex({ seed: 'index', layers: [{ size: 2_000 }] }));
  // There is no such image.
  await pipeline.github('acme/missing', '1');
}

describe('the API does what docs/openapi.yaml says', () => {
  let open: Pipeline;
  let secured: Pipeline;
  beforeAll(async () => {
    [open, secured] = await Promise.all([startPipeline(), startPipeline({ auth: true })]);
    await Promise.all([fill(open), fill(secured)]);
  });
  afterAll(() => Promise.all([open?.[Symbol.asyncDispose](), secured?.[Symbol.asyncDispose]()]));

  it('without tokens', async () => {
    const run = await runSchemathesis({ api: open.api, isSecured: false, examples: 25 });
    expect(run.code, run.output).toBe(0);
  });

  it.each([
    ['operator', 20],
    ['reader', 10],
    ['nobody', 5],
  ])('with tokens, for the %s', async (caller, examples) => {
    const { reader, operator } = secured.stack.ready.tokens ?? {};
    const token = caller === 'operator' ? operator : reader;
    const run = await runSchemathesis({
      api: secured.api,
      isSecured: true,
      examples,
      ...(caller !== 'nobody' && token !== undefined && { token }),
    });
    expect(run.code, run.output).toBe(0);
  });
});

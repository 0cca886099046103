import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { enableBlobMounting } from '../../core/aws/ecr/blob-mounting.ts';
import { answer, type Outcome, outcomeOf } from '../shared/custom-resource.ts';
import { logger } from '../shared/telemetry.ts';

/** The setting gets this long; the function's 60 s leave room for the answer. */
const settingMs = 25_000;
const physicalId = 'blob-mounting';

/**
 * The custom resource of the registry setting BLOB_MOUNTING: on when the stack is made or changed.
 * It is left on when the stack goes, since other stacks and people may rely on it by then, and it
 * harms nobody.
 */
async function run(event: CloudFormationCustomResourceEvent): Promise<void> {
  const outcome = await outcomeAfter(event);
  if (outcome.status === 'FAILED') logger.error('blob mounting is not enabled', { reason: outcome.reason });
  else logger.info(`${event.RequestType} is done`);
  await answer(event, physicalId, outcome);
}

async function outcomeAfter({ RequestType }: CloudFormationCustomResourceEvent): Promise<Outcome> {
  if (RequestType === 'Delete') return { status: 'SUCCESS' };
  return await outcomeOf('enabling BLOB_MOUNTING of the ECR registry', settingMs, (signal) =>
    enableBlobMounting({}, { signal }),
  );
}

export const handler = middy(run).use(injectLambdaContext(logger));

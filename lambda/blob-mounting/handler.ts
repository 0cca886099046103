import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { enableBlobMounting } from '../../core/aws/ecr/blob-mounting.ts';
import { answer, type Outcome, outcomeOf } from '../shared/custom-resource.ts';
import { logger } from '../shared/telemetry.ts';

/** Time limit for the setting; the function's 60 s leave room for the answer. */
const settingMs = 25_000;
const physicalId = 'blob-mounting';

/**
 * The custom resource for the registry setting BLOB_MOUNTING: turns it on when the stack is created
 * or updated. It stays on when the stack is deleted, since other stacks and people may rely on it
 * by then, and it does no harm.
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

import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { errorResponse, HttpError, type HttpResponse, httpRequest, json } from '../shared/http.ts';
import { logger } from '../shared/telemetry.ts';
import { getAdmission, postAdmission } from './admission.ts';
import { ApiDeployment } from './api-deployment.ts';
import { type Access, authorize } from './authorize.ts';
import type { Call } from './call.ts';
import { getHistory, postPin, postRollback, postUnpin } from './changes.ts';
import { encodeAnswer } from './encode-answer.ts';
import { getExport } from './exports.ts';
import { getJob, getJobs, postMirrors } from './jobs.ts';
import { getMappings, resolveMappings } from './mappings.ts';
import { getPage, getPageFile } from './page/page.ts';
import { getReconcile, postReconcile } from './reconcile.ts';
import { postRedrive } from './redrive.ts';
import { getRetention, postRetention } from './retention.ts';
import { getSavings } from './savings.ts';
import { getStatus } from './status.ts';
import { getWebhooks, rotateWebhook } from './webhooks.ts';

/** One route of the API. */
export interface Route {
  method: 'GET' | 'POST';
  /** Its first group, if any, is the call's `parameter`. */
  path: RegExp;
  access: Access;
  handle(call: Call): Promise<HttpResponse>;
}

/** All of them, as docs/openapi.yaml describes them. */
export const routes: readonly Route[] = [
  { method: 'GET', path: /^\/v1\/mappings$/, access: 'read', handle: getMappings },
  { method: 'POST', path: /^\/v1\/mappings\/resolve$/, access: 'read', handle: resolveMappings },
  { method: 'GET', path: /^\/v1\/exports\/([^/]+)$/, access: 'read', handle: getExport },
  { method: 'GET', path: /^\/v1\/mappings\/history$/, access: 'read', handle: getHistory },
  { method: 'POST', path: /^\/v1\/mappings\/rollback$/, access: 'write', handle: postRollback },
  { method: 'POST', path: /^\/v1\/mappings\/pin$/, access: 'write', handle: postPin },
  { method: 'POST', path: /^\/v1\/mappings\/unpin$/, access: 'write', handle: postUnpin },
  { method: 'GET', path: /^\/v1\/jobs$/, access: 'read', handle: getJobs },
  { method: 'POST', path: /^\/v1\/jobs\/redrive$/, access: 'write', handle: postRedrive },
  { method: 'GET', path: /^\/v1\/jobs\/([^/]+)$/, access: 'read', handle: getJob },
  { method: 'POST', path: /^\/v1\/mirrors$/, access: 'write', handle: postMirrors },
  { method: 'GET', path: /^\/v1\/reconcile$/, access: 'read', handle: getReconcile },
  { method: 'POST', path: /^\/v1\/reconcile$/, access: 'write', handle: postReconcile },
  { method: 'POST', path: /^\/v1\/retention$/, access: 'write', handle: postRetention },
  { method: 'GET', path: /^\/v1\/retention\/([^/]+)$/, access: 'read', handle: getRetention },
  { method: 'GET', path: /^\/v1\/webhooks$/, access: 'read', handle: getWebhooks },
  { method: 'POST', path: /^\/v1\/webhooks\/([^/]+)\/rotate$/, access: 'write', handle: rotateWebhook },
  { method: 'GET', path: /^\/v1\/admission$/, access: 'read', handle: getAdmission },
  { method: 'POST', path: /^\/v1\/admission\/([^/]+)$/, access: 'open', handle: postAdmission },
  { method: 'POST', path: /^\/v1\/admission\/([^/]+)\/([^/]+)$/, access: 'open', handle: postAdmission },
  { method: 'GET', path: /^\/v1\/status$/, access: 'read', handle: getStatus },
  { method: 'GET', path: /^\/$/, access: 'open', handle: getPage },
  { method: 'GET', path: /^\/web\/([^/]+)\/([^/]+)$/, access: 'open', handle: getPageFile },
  { method: 'GET', path: /^\/v1\/savings$/, access: 'read', handle: getSavings },
  { method: 'GET', path: /^\/healthz$/, access: 'open', handle: async () => json(200, { status: 'ok' }) },
];

/** Answers all of the API's routes except the webhooks. */
async function run(event: APIGatewayProxyEventV2, deployment: ApiDeployment): Promise<HttpResponse> {
  try {
    const request = httpRequest(event);
    const here = routes.filter((route) => route.path.test(request.path));
    const route = here.find(
      ({ method }) => method === request.method || (method === 'GET' && request.method === 'HEAD'),
    );
    if (!route) throw noRoute(here);
    const access = { access: route.access, isIamAuthorized: isIamAuthorized(event) };
    const caller = await authorize(request, access, deployment);
    const parameter = route.path.exec(request.path)?.[1] ?? '';
    return await encodeAnswer(request, await route.handle({ request, parameter, caller, deployment }));
  } catch (error) {
    if (error instanceof HttpError) return errorResponse(error);
    logger.error('the request could not be answered', { error: error as Error });
    return errorResponse(
      new HttpError(500, 'internal', 'something failed on our side; the log of the function has it'),
    );
  }
}

function noRoute(here: Route[]): HttpError {
  if (here.length === 0) return new HttpError(404, 'not_found', 'there is no such route');
  const allow = here.map(({ method }) => method).join(', ');
  return new HttpError(405, 'method_not_allowed', `this route takes ${allow}`, { allow });
}

/** The IAM authorizer of API Gateway puts the caller into the event. */
function isIamAuthorized(event: APIGatewayProxyEventV2): boolean {
  const { authorizer } = event.requestContext as { authorizer?: { iam?: unknown } };
  return authorizer?.iam !== undefined;
}

/** Makes the handler of the API's routes. */
export function createHandler(deployment: ApiDeployment) {
  return middy((event: APIGatewayProxyEventV2) => run(event, deployment)).use(injectLambdaContext(logger));
}

export const handler = createHandler(new ApiDeployment(process.env));

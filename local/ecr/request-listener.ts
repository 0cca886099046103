import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { fileFailure } from '../../core/config/file-failure.ts';
import { operationOf, routeApi, sendApiError } from './api/router.ts';
import type { FaultAction, FaultSwitches } from './faults.ts';
import { connectionClosed, waitOn } from './faulty-body.ts';
import { ConnectionLostError, HttpExchange, splitTarget } from './http-exchange.ts';
import { getLinkedLayer } from './protocol/blobs.ts';
import { sendError } from './protocol/errors.ts';
import { routeProtocol } from './protocol/router.ts';
import type { RegistryContext } from './registry-context.ts';
import { authorizationKind, type RequestLog, type RequestRecord } from './requests.ts';
import { answerToken } from './token-endpoint.ts';

/** What a listener needs besides the registry. */
export interface ListenerOptions {
  faults: FaultSwitches;
  log: RequestLog;
  /** Serves nothing but `/layers/`, as S3 does for ECR, and refuses requests that carry credentials besides the link. */
  layersOnly: boolean;
  /** The requests that are being answered; whoever stops the server waits for them. */
  underWay: Set<Promise<void>>;
}

/** Answers every request of a registry's port. */
export function requestListener(context: RegistryContext, options: ListenerOptions): RequestListener {
  return (request, response) => {
    const { path, query } = splitTarget(request);
    const method = request.method ?? 'GET';
    const operation = operationOf(headerOf(request, 'x-amz-target'));
    const record: RequestRecord = {
      method,
      path,
      query: query.replace(/(^|&)token=[^&]*/g, '$1token='),
      ...(operation === undefined ? {} : { operation }),
      status: 0,
      bytesIn: 0,
      bytesOut: 0,
      authorization: authorizationKind(request.headers.authorization),
    };
    options.log.add(record);
    const target = query === '' ? path : `${path}?${query}`;
    const fault = options.faults.take({ method, path: target, operation });
    const exchange = new HttpExchange(request, response, record, fault);
    const answered = answer(context, options, exchange, request, response, fault).catch((error: unknown) =>
      reportFailure(exchange, response, error),
    );
    options.underWay.add(answered);
    void answered.finally(() => options.underWay.delete(answered));
  };
}

/** A defect here, or a full disk. The client is told the reason: this registry serves its own machine. */
async function reportFailure(
  exchange: HttpExchange,
  response: ServerResponse,
  error: unknown,
): Promise<void> {
  if (error instanceof ConnectionLostError) return;
  const message = fileFailure(error, '').reason;
  process.emitWarning(`embedded registry: ${exchange.method} ${exchange.path} failed: ${message}`);
  try {
    if (exchange.answered) response.destroy();
    else await sendError(exchange, { status: 500, code: 'UNKNOWN', message });
  } catch {
    response.destroy();
  }
}

async function answer(
  context: RegistryContext,
  options: ListenerOptions,
  exchange: HttpExchange,
  request: IncomingMessage,
  response: ServerResponse,
  fault: FaultAction | undefined,
): Promise<void> {
  const isApi = exchange.header('x-amz-target') !== undefined;
  if (!isApi) response.setHeader('docker-distribution-api-version', 'registry/2.0');
  if (fault !== undefined && (await happened(fault, exchange, request, isApi))) return;
  if (exchange.path.startsWith('/layers/') && (exchange.method === 'GET' || exchange.method === 'HEAD')) {
    if (options.layersOnly && exchange.header('authorization') !== undefined) {
      // S3: "Only one auth mechanism allowed".
      return exchange.send(
        400,
        { 'content-type': 'application/xml' },
        '<Error><Code>InvalidArgument</Code></Error>',
      );
    }
    return getLinkedLayer(context, exchange);
  }
  if (options.layersOnly) return exchange.send(403);
  if (context.issuer !== undefined && exchange.path === '/token')
    return answerToken(exchange, context.issuer);
  if (context.flavour === 'ecr' && isApi && exchange.method === 'POST') return routeApi(context, exchange);
  await routeProtocol(context, exchange);
}

/** Lets happen what comes before any answer. @returns whether that is all */
async function happened(
  fault: FaultAction,
  exchange: HttpExchange,
  request: IncomingMessage,
  isApi: boolean,
): Promise<boolean> {
  switch (fault.kind) {
    case 'status': {
      const { status, headers = {} } = fault;
      if (isApi) {
        const type = status === 429 ? 'ThrottlingException' : 'ServerException';
        await sendApiError(exchange, status, type, 'a fault that was switched on', {}, headers);
      } else {
        const code = status === 429 ? 'TOOMANYREQUESTS' : status === 403 ? 'DENIED' : 'UNKNOWN';
        await sendError(exchange, { status, code, message: 'a fault that was switched on', headers });
      }
      return true;
    }
    case 'cut':
      if (fault.afterBytes === undefined) exchange.drop();
      return fault.afterBytes === undefined;
    case 'stall':
      if (fault.afterBytes === undefined) await connectionClosed(request.socket);
      return fault.afterBytes === undefined;
    case 'slow':
      if (fault.delayMs !== undefined) await waitOn(request.socket, fault.delayMs);
      return false;
    case 'corrupt':
      return false;
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

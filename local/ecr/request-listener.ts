import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { fileFailure } from '../../core/config/file-failure.ts';
import { operationOf, routeApi, sendApiError } from './api/router.ts';
import type { FaultAction, FaultSwitches } from './faults.ts';
import { stall, waitOn } from './faulty-body.ts';
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
  /**
   * `layers`: only `/layers/`, as S3 serves them for ECR. Requests with credentials besides the
   * link are refused there.
   */
  serves: 'everything' | 'layers';
  /** The requests in progress; stopping the server waits for them. */
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
    const exchange = new HttpExchange({ request, response, record, fault });
    const received: ReceivedRequest = { exchange, request, response, fault };
    const answered = answer(context, options.serves, received).catch((error: unknown) =>
      reportFailure(exchange, response, error),
    );
    options.underWay.add(answered);
    void answered.finally(() => options.underWay.delete(answered));
  };
}

/**
 * A defect here, or a full disk. The client gets the reason, since this registry only serves its
 * own machine.
 */
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

/** A request, and the fault that applies to it. */
interface ReceivedRequest {
  exchange: HttpExchange;
  request: IncomingMessage;
  response: ServerResponse;
  fault: FaultAction | undefined;
}

async function answer(
  context: RegistryContext,
  serves: ListenerOptions['serves'],
  { exchange, request, response, fault }: ReceivedRequest,
): Promise<void> {
  const protocol = exchange.header('x-amz-target') === undefined ? 'registry' : 'api';
  if (protocol === 'registry') response.setHeader('docker-distribution-api-version', 'registry/2.0');
  if (fault !== undefined && (await happened(fault, { exchange, request, protocol }))) return;
  if (exchange.path.startsWith('/layers/') && (exchange.method === 'GET' || exchange.method === 'HEAD')) {
    if (serves === 'layers' && exchange.header('authorization') !== undefined) {
      // S3: "Only one auth mechanism allowed".
      return exchange.send(
        400,
        { 'content-type': 'application/xml' },
        '<Error><Code>InvalidArgument</Code></Error>',
      );
    }
    return getLinkedLayer(context, exchange);
  }
  if (serves === 'layers') return exchange.send(403);
  if (context.issuer !== undefined && exchange.path === '/token')
    return answerToken(exchange, context.issuer);
  if (context.flavour === 'ecr' && protocol === 'api' && exchange.method === 'POST')
    return routeApi(context, exchange);
  await routeProtocol(context, exchange);
}

interface FaultyRequest extends Pick<ReceivedRequest, 'exchange' | 'request'> {
  /** The protocol whose errors the client understands. */
  protocol: 'registry' | 'api';
}

/** Applies what comes before any answer. @returns whether that ends the request */
async function happened(
  fault: FaultAction,
  { exchange, request, protocol }: FaultyRequest,
): Promise<boolean> {
  switch (fault.kind) {
    case 'status': {
      const { status, headers = {} } = fault;
      const message = 'a fault that was switched on';
      if (protocol === 'api') {
        const type = status === 429 ? 'ThrottlingException' : 'ServerException';
        await sendApiError(exchange, { status, type, message, headers });
      } else {
        const code = status === 429 ? 'TOOMANYREQUESTS' : status === 403 ? 'DENIED' : 'UNKNOWN';
        await sendError(exchange, { status, code, message, headers });
      }
      return true;
    }
    case 'cut':
      if (fault.afterBytes === undefined) exchange.drop();
      return fault.afterBytes === undefined;
    case 'stall':
      if (fault.afterBytes === undefined) await stall(request.socket, fault.forMs);
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

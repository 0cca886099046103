import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  ApiMapping,
  DomainName,
  HttpApi,
  HttpMethod,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { ApiDomain, Config } from '../core/config/config.ts';
import { acknowledge } from './acknowledge.ts';

/** How many requests the whole API accepts before it answers 429. */
export interface ApiThrottle {
  /** Requests a second, sustained. */
  readonly ratePerSecond: number;
  /** Requests at once, above the rate. */
  readonly burst: number;
}

/** Settings of {@link MirrorApi}. */
export interface MirrorApiProps {
  /** Who may read, and the domain: the configuration's `api`. */
  readonly api: Config['api'];
  /** Answers `/webhooks/…`. */
  readonly webhook: IFunction;
  /** Answers everything else. */
  readonly target: IFunction;
  /** Limits of the stage. */
  readonly throttle: ApiThrottle;
  /** How long access logs are kept. */
  readonly logRetention: RetentionDays;
}

/**
 * What an access log line holds. Never the path: it contains the secret of a webhook whose upstream
 * cannot sign (`/webhooks/{name}/{token}`), and of `/v1/admission/{token}`. The route key shows the
 * pattern instead.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 */
export const accessLogFields = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  sourceIp: '$context.identity.sourceIp',
  route: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  integrationLatencyMs: '$context.integrationLatency',
  integrationError: '$context.integrationErrorMessage',
  error: '$context.error.message',
  responseBytes: '$context.responseLength',
} as const;

/** The HTTP API (payload format 2.0) in front of the webhook and the API function. */
export class MirrorApi extends Construct {
  readonly api: HttpApi;
  /** The address without a trailing slash: the custom domain if one is configured. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: MirrorApiProps) {
    super(scope, id);
    this.api = new HttpApi(this, 'Api', {
      description: 'Drayage: webhooks in, mappings out',
      createDefaultStage: false,
      // A second address would let callers bypass whatever protects the domain.
      disableExecuteApiEndpoint: props.api.domain !== undefined,
    });
    this.#addRoutes(props);
    const stage = this.#addStage(props);
    this.url =
      props.api.domain === undefined ? this.api.apiEndpoint : this.#addDomain(stage, props.api.domain);

    acknowledge(
      this.api,
      'AwsSolutions-APIG4',
      'The functions authenticate: webhooks by the signature or path token of each upstream, which no API Gateway authorizer can verify, and /v1 by reader and operator tokens. /healthz and the status page are public.',
    );
  }

  #addRoutes({ api, webhook, target }: MirrorApiProps): void {
    const toWebhook = new HttpLambdaIntegration('Webhook', webhook);
    for (const path of ['/webhooks/{name}', '/webhooks/{name}/{token}']) {
      // OPTIONS: the CloudEvents abuse-protection handshake, which Event Grid speaks.
      this.api.addRoutes({ path, methods: [HttpMethod.POST, HttpMethod.OPTIONS], integration: toWebhook });
    }

    const toMapping = new HttpLambdaIntegration('Mapping', target);
    const reads: { authorizer?: IHttpRouteAuthorizer } =
      api.reads === 'iam' ? { authorizer: new HttpIamAuthorizer() } : {};
    const route = (path: string, methods: HttpMethod[], guard: { authorizer?: IHttpRouteAuthorizer } = {}) =>
      this.api.addRoutes({ path, methods, integration: toMapping, ...guard });
    route('/v1/{proxy+}', [HttpMethod.GET, HttpMethod.HEAD], reads);
    route('/v1/{proxy+}', [HttpMethod.POST]);
    // Routes of their own, so that access logs tell them apart.
    for (const path of ['/v1/admission/{token}', '/v1/admission/{token}/{choice}'])
      route(path, [HttpMethod.POST]);
    // A read by POST, since a thousand references don't fit in a query string.
    route('/v1/mappings/resolve', [HttpMethod.POST], reads);
    route('/healthz', [HttpMethod.GET, HttpMethod.HEAD]);
    // The status page: its shell, and its files.
    for (const path of ['/', '/web/{version}/{file}']) route(path, [HttpMethod.GET, HttpMethod.HEAD]);
  }

  #addStage({ throttle, logRetention }: MirrorApiProps): HttpStage {
    const logGroup = new LogGroup(this, 'AccessLogs', {
      // Under this prefix API Gateway needs no entry in the account's log resource policy, which
      // has a size limit.
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-V2-CloudWatchLogs.html
      logGroupName: `/aws/vendedlogs/${Stack.of(this).stackName}/${this.node.addr}`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    return new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: throttle.ratePerSecond, burstLimit: throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
  }

  #addDomain(stage: HttpStage, { name, certificate, mutualTls }: ApiDomain): string {
    const domainName = new DomainName(this, 'Domain', {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificate),
      ...(mutualTls && {
        mtls: {
          ...mutualTls.truststore,
          bucket: Bucket.fromBucketName(this, 'Truststore', mutualTls.truststore.bucket),
        },
      }),
    });
    new ApiMapping(this, 'DomainMapping', { api: this.api, domainName, stage });
    return `https://${name}`;
  }
}

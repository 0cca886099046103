import { Match, type Template } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { functionOf, mirrorTemplate } from './mirror-template.ts';

/** Every route with the function that answers it and how API Gateway authorises it. */
function routesOf(template: Template): Record<string, { function: string; authorization: string }> {
  const integrations = template.findResources('AWS::ApiGatewayV2::Integration');
  const names = new Map(['webhook', 'api'].map((name) => [functionOf(template, name).id, name]));
  return Object.fromEntries(
    Object.values(template.findResources('AWS::ApiGatewayV2::Route')).map(({ Properties }) => {
      const integration = integrations[Properties.Target['Fn::Join'][1][1].Ref]?.Properties;
      expect(integration.PayloadFormatVersion).toBe('2.0');
      return [
        Properties.RouteKey,
        {
          function: names.get(integration.IntegrationUri['Fn::GetAtt'][0]),
          authorization: Properties.AuthorizationType,
        },
      ];
    }),
  );
}

const withReads = (reads: string) =>
  mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
api: { reads: ${reads} }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`);

const webhook = { function: 'webhook', authorization: 'NONE' };
const mapping = { function: 'api', authorization: 'NONE' };
const routes = {
  'POST /webhooks/{name}': webhook,
  'OPTIONS /webhooks/{name}': webhook,
  'POST /webhooks/{name}/{token}': webhook,
  'OPTIONS /webhooks/{name}/{token}': webhook,
  'GET /v1/{proxy+}': mapping,
  'HEAD /v1/{proxy+}': mapping,
  'POST /v1/{proxy+}': mapping,
  'POST /v1/admission/{token}': mapping,
  'POST /v1/admission/{token}/{choice}': mapping,
  'POST /v1/mappings/resolve': mapping,
  'GET /healthz': mapping,
  'HEAD /healthz': mapping,
  'GET /': mapping,
  'HEAD /': mapping,
  'GET /web/{version}/{file}': mapping,
  'HEAD /web/{version}/{file}': mapping,
};

describe('the routes', () => {
  it.each(['token', 'none'])('are those of the design (reads: %s)', (reads) => {
    expect(routesOf(withReads(reads))).toEqual(routes);
  });

  it('use AWS signatures for reads if reads are iam, but not for writers, who have the operator token', () => {
    const signed = { function: 'api', authorization: 'AWS_IAM' };
    expect(routesOf(withReads('iam'))).toEqual({
      ...routes,
      'GET /v1/{proxy+}': signed,
      'HEAD /v1/{proxy+}': signed,
      'POST /v1/mappings/resolve': signed,
    });
  });
});

describe('the stage', () => {
  const template = mirrorTemplate();
  const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
  const format: string = stage?.Properties.AccessLogSettings.Format;

  it('limits requests', () => {
    expect(stage?.Properties).toMatchObject({
      StageName: '$default',
      AutoDeploy: true,
      DefaultRouteSettings: { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1_000 },
    });
    mirrorTemplate(undefined, { throttle: { ratePerSecond: 20, burst: 30 } }).hasResourceProperties(
      'AWS::ApiGatewayV2::Stage',
      { DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 30 } },
    );
  });

  it('logs the route key and nothing that may hold a path token', () => {
    const variables = format.match(/\$context\.[\w.]+/g) ?? [];
    expect(variables).toContain('$context.routeKey');
    // A list of what may be logged. It leaves out path, pathParameters, requestOverride.path and
    // the like.
    const harmless = [
      '$context.requestId',
      '$context.requestTime',
      '$context.identity.sourceIp',
      '$context.routeKey',
      '$context.status',
      '$context.responseLatency',
      '$context.integrationLatency',
      '$context.integrationErrorMessage',
      '$context.error.message',
      '$context.responseLength',
    ];
    expect(variables.filter((variable) => !harmless.includes(variable))).toEqual([]);
    expect(format).not.toMatch(/path/i);
  });

  it('writes lines of JSON to a log group with a retention', () => {
    expect(() => JSON.parse(format)).not.toThrow();
    const logGroup = stage?.Properties.AccessLogSettings.DestinationArn['Fn::GetAtt'][0];
    expect(template.findResources('AWS::Logs::LogGroup')[logGroup]?.Properties).toEqual({
      LogGroupName: expect.stringMatching(/^\/aws\/vendedlogs\/Drayage\/\w+$/),
      RetentionInDays: 30,
    });
  });
});

describe('a custom domain', () => {
  const certificate = 'arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
  const template = mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
api: { domain: { name: mirror.example.com, certificate: "${certificate}" } }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`);

  it('leads to the stage and is the only address', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    template.hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      DomainName: 'mirror.example.com',
      DomainNameConfigurations: [Match.objectLike({ CertificateArn: certificate })],
    });
    template.resourceCountIs('AWS::ApiGatewayV2::ApiMapping', 1);
    template.hasOutput('ApiUrl', { Value: 'https://mirror.example.com' });
    template.hasOutput('WebhookUrls', { Value: 'https://mirror.example.com/webhooks/' });
  });

  it('has no mutual TLS by default', () => {
    const [domain] = Object.values(template.findResources('AWS::ApiGatewayV2::DomainName'));
    expect(domain?.Properties).not.toHaveProperty('MutualTlsAuthentication');
  });

  it.each([
    ['', {}],
    [', version: 3sL4kqtJlcpXroDTDmJ', { TruststoreVersion: '3sL4kqtJlcpXroDTDmJ' }],
  ])('asks callers for certificates with mutualTls%s', (version, more) => {
    mirrorTemplate(`
version: 1
mirror: { regions: [eu-west-1] }
api:
  domain:
    name: mirror.example.com
    certificate: "${certificate}"
    mutualTls: { truststore: "s3://my-bucket/trust/clients.pem"${version} }
upstreams: [{ registry: docker.io, repositories: [{ match: library/nginx }] }]
`).hasResourceProperties('AWS::ApiGatewayV2::DomainName', {
      MutualTlsAuthentication: { TruststoreUri: 's3://my-bucket/trust/clients.pem', ...more },
    });
  });
});

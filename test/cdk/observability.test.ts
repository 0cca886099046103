import { readFileSync } from 'node:fs';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { metricDefinitions, metricNamespace } from '../../core/telemetry/metrics.ts';
import { ownMetric, ownMetricByAll } from '../../lib/own-metrics.ts';
import { functionNames, functionOf, mirrorStack, mirrorTemplate } from './mirror-template.ts';

const topic = 'arn:aws:sns:eu-west-1:111122223333:mirror';
/** A mirror with every alarm that there is. */
const everything = `
version: 1
mirror: { regions: [eu-west-1] }
alarms: { topic: "${topic}", lag: 20m }
notify: [{ name: ops, url: "https://hooks.example.com/drayage", secret: drayage/ops }]
upstreams:
  - registry: docker.io
    repositories: [{ match: library/nginx, retention: { unmappedFor: 30d } }]
  - registry: 444455556666.dkr.ecr.us-east-1.amazonaws.com
    webhook: { source: ecr }
    repositories: [{ match: "team/*" }]
`;
const operations = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

interface AlarmProperties {
  AlarmDescription: string;
  AlarmActions?: unknown[];
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
  Statistic?: string;
  ExtendedStatistic?: string;
  Threshold: number;
  ComparisonOperator: string;
  EvaluationPeriods: number;
  TreatMissingData: string;
}

function alarmsOf(template: Template): [id: string, AlarmProperties][] {
  return Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(([id, { Properties }]) => [
    id,
    Properties as AlarmProperties,
  ]);
}

/** The body of the dashboard, with CloudFormation's references as `<…>`. */
function dashboardOf(template: Template): {
  widgets: { type: string; properties: Record<string, unknown> }[];
} {
  const [dashboard, ...others] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
  expect(others).toEqual([]);
  const body = dashboard?.Properties.DashboardBody as { 'Fn::Join': [string, unknown[]] };
  const [separator, parts] = body['Fn::Join'];
  return JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'ref')).join(separator));
}

const template = mirrorTemplate(everything);
const alarms = alarmsOf(template);
const alarm = (id: string) => {
  const found = alarms.filter(([name]) => name.startsWith(`MirrorAlarms${id}`));
  expect(
    found.map(([name]) => name),
    id,
  ).toHaveLength(1);
  return (found[0] as [string, AlarmProperties])[1];
};

describe('alarms', () => {
  it('keep the logical ids of those that are deployed already', () => {
    const ids = alarmsOf(mirrorTemplate()).map(([id]) => id);
    expect(ids.sort()).toMatchInlineSnapshot(`
      [
        "MirrorAlarmsDeadLetters44487BCE",
        "MirrorAlarmsLayerDeadLetters0F7B2694",
        "MirrorAlarmsRegistryEventDeadLetters21853D55",
        "MirrorAlarmsScheduleErrors2ED2CE53",
      ]
    `);
    expect(alarms.map(([id]) => id)).toEqual(expect.arrayContaining(ids));
  });

  it('exist for errors and throttles of each function, as far as nothing else tells of them', () => {
    const names = [...functionNames, 'retention', 'notify'] as const;
    for (const name of names) {
      const { id } = functionOf(template, name);
      const of = (metric: string) =>
        alarms.filter(
          ([, { MetricName, Dimensions }]) =>
            MetricName === metric &&
            JSON.stringify(Dimensions) === JSON.stringify([{ Name: 'FunctionName', Value: { Ref: id } }]),
        );
      expect(of('Errors'), `errors of ${name}`).toHaveLength(1);
      expect(of('Throttles'), `throttles of ${name}`).toHaveLength(name === 'snapshot' ? 0 : 1);
    }
    const unlimited = mirrorTemplate(everything, { reserveConcurrency: false });
    expect(alarmsOf(unlimited).length).toBe(alarms.length + 1);
  });

  it('all go to the topic', () => {
    for (const [id, { AlarmActions }] of alarms) expect(AlarmActions, id).toEqual([topic]);
  });

  it('take silence for health, except for the silence of the schedule', () => {
    for (const [id, { TreatMissingData }] of alarms)
      expect(TreatMissingData, id).toBe(id.includes('ScheduleStopped') ? 'breaching' : 'notBreaching');
    expect(alarm('ServiceScheduleStopped')).toMatchObject({
      MetricName: 'Invocations',
      ComparisonOperator: 'LessThanThreshold',
      Threshold: 1,
    });
  });

  it('watch the lag, the upstreams, what waits and what is answered', () => {
    expect(alarm('ServicePushLag')).toMatchObject({
      Namespace: metricNamespace,
      MetricName: 'PushLag',
      Dimensions: [{ Name: 'service', Value: 'mirror' }],
      ExtendedStatistic: 'p90',
      Threshold: 20 * 60 * 1_000,
    });
    expect(alarm('ServiceUpstreamClosed')).toMatchObject({
      MetricName: 'UpstreamClosed',
      Statistic: 'Maximum',
      EvaluationPeriods: 12,
    });
    expect(alarm('ServiceOldestWaitingJob')).toMatchObject({
      MetricName: 'OldestWaitingJob',
      Threshold: 6 * 3600,
    });
    expect(alarm('ServiceWebhookUnavailable')).toMatchObject({
      MetricName: 'WebhookUnavailable',
      Threshold: 1,
    });
    expect(alarm('ServiceServerErrors')).toMatchObject({ Namespace: 'AWS/ApiGateway', MetricName: '5xx' });
  });

  it('watch only metrics of ours that a function emits', () => {
    const ours = alarms.filter(([, { Namespace }]) => Namespace === metricNamespace);
    expect(ours).toHaveLength(4);
    for (const [id, { MetricName, Dimensions }] of ours) {
      const definition = Object.entries(metricDefinitions).find(([name]) => name === MetricName)?.[1];
      expect(definition, id).toBeDefined();
      expect(definition?.from, id).toContain(Dimensions[0]?.Value);
    }
  });
});

describe('docs/operations.md', () => {
  const sections = operations.split(/^#{2,3} /m).slice(1);
  const sectionOf = (anchor: string) =>
    sections.find((text) => text.slice(0, text.indexOf('\n')).toLowerCase() === anchor);

  it.each(alarms.map(([id, { AlarmDescription }]) => [id, AlarmDescription]))(
    'explains the alarm %s',
    (_id, description) => {
      expect(description.length).toBeLessThanOrEqual(1_024);
      const anchor = /What to do: docs\/operations\.md#([a-z]+)$/.exec(description)?.[1] ?? '';
      const section = sectionOf(anchor) ?? '';
      expect(section, anchor).toContain('**How it looks.**');
      expect(section, anchor).toContain('**What to do.**');
    },
  );

  it('has a section only for alarms that exist', () => {
    const explained = sections
      .filter((text) => text.includes('**How it looks.**'))
      .map((text) => text.slice(0, text.indexOf('\n')).toLowerCase());
    const linked = new Set(alarms.map(([, { AlarmDescription }]) => AlarmDescription.split('#').at(-1)));
    expect(new Set(explained)).toEqual(linked);
  });

  it('lists every metric as it is, and no other', () => {
    const rows = Object.entries(metricDefinitions).map(
      ([name, { unit, by, from, meaning }]) =>
        `| \`${name}\` | ${unit} | ${by ? `\`${by}\`` : ''} | ${from.join(', ')} | ${meaning} |`,
    );
    const listed = operations.split('\n').filter((line) => /^\| `[A-Z]\w+` \|/.test(line));
    expect(listed).toEqual(rows);
  });

  it('names only sections and files that exist in its links', () => {
    const anchors = new Set(
      [...operations.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replace(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    for (const [, anchor = ''] of operations.matchAll(/\]\(#([^)]*)\)/g)) expect(anchors).toContain(anchor);
    for (const [, file = ''] of operations.matchAll(/\]\(((?!http|#)[^)#]*)/g))
      expect(
        readFileSync(new URL(`../../docs/${file}`, import.meta.url), 'utf8').length,
        file,
      ).toBeGreaterThan(0);
  });
});

describe('the dashboard', () => {
  it('begins with whether the mirror is behind, and then says why', () => {
    const { widgets } = dashboardOf(template);
    expect(widgets.map(({ type }) => type).slice(0, 2)).toEqual(['text', 'alarm']);
    const titles = widgets.flatMap(({ type, properties }) => (type === 'metric' ? [properties.title] : []));
    expect(titles.slice(0, 4)).toEqual([
      'From push to mirrored (ms)',
      'Age of the oldest message (s)',
      'Jobs that wait: the oldest (s), and how many',
      'Failed',
    ]);
    expect(titles.slice(4)).toContain('Upstreams that are closed (1)');
    expect(JSON.stringify(widgets)).toContain('"UpstreamClosed","service","schedule","upstream","docker.io"');
  });

  it('shows all alarms', () => {
    const [, { properties }] = dashboardOf(template).widgets as [
      unknown,
      { properties: { alarms: string[] } },
    ];
    expect(properties.alarms).toHaveLength(alarms.length);
  });

  it('is there unless it is switched off', () => {
    mirrorTemplate().resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    mirrorTemplate(undefined, { dashboard: false }).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  it('is not built with metrics that nobody emits', () => {
    expect(() => ownMetric('Requests')).toThrow('name one of mirror,layer,reconcile');
    expect(() => ownMetric('Requests', { service: 'webhook' })).toThrow('name one of');
    expect(() => ownMetric('JobsResent', { of: 'x' })).toThrow('no dimension of its own');
    expect(() => ownMetricByAll('JobsResent')).toThrow('no dimension of its own');
  });
});

describe('tracing', () => {
  const names = [...functionNames, 'blob-mounting'];

  it('is off, without any permission, by default', () => {
    for (const name of names)
      expect(functionOf(template, name).properties).not.toHaveProperty('TracingConfig');
    expect(JSON.stringify(template.toJSON())).not.toContain('xray:');
  });

  it('is active for each function if it is asked for, and cdk-nag has nothing against it', () => {
    const stack = mirrorStack(undefined, { tracing: true });
    const { violations } = new AwsSolutionsChecks().validateScope(stack);
    expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
    const traced = mirrorTemplate(undefined, { tracing: true });
    traced.allResourcesProperties('AWS::Lambda::Function', { TracingConfig: { Mode: 'Active' } });
    traced.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          { Action: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'], Effect: 'Allow', Resource: '*' },
        ]),
      },
    });
  });
});

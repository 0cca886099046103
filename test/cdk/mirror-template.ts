import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { parseConfig } from '../../core/mirror-yaml/parse.ts';
import { ImageMirrorStack, type ImageMirrorStackProps } from '../../lib/image-mirror-stack.ts';

/** The functions that every deployment has, by their folders. */
export const functionNames = [
  'webhook',
  'mirror',
  'layer',
  'api',
  'schedule',
  'reconcile',
  'registry-events',
  'snapshot',
] as const;

/** The smallest mirror.yaml that uses what the stack reads. */
export const smallConfig = `
version: 1
mirror: { regions: [eu-west-1], repositoryPrefix: yard/images }
upstreams:
  - registry: docker.io
    webhook: { source: dockerhub, name: hub }
    credentials: { secret: drayage/docker-hub }
    repositories: [{ match: library/nginx }]
  - registry: ghcr.io
    webhook: { source: github }
    repositories: [{ match: acme/** }]
`;

/** Bundling takes seconds, and only the tests of the bundles look at them. */
const withoutBundling = { 'aws:cdk:bundling-stacks': [] };

/** A configuration from YAML; `smallConfig` by default. */
export function configOf(yaml = smallConfig) {
  const parsed = parseConfig(yaml);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return parsed.config;
}

/** The stack of a configuration in its own app, with props that the test chooses. */
export function mirrorStack(yaml?: string, props: Partial<ImageMirrorStackProps> = {}): Stack {
  const app = new App({ context: withoutBundling });
  return new ImageMirrorStack(app, 'Drayage', {
    config: configOf(yaml),
    env: { region: 'eu-west-1' },
    ...props,
  });
}

/** Its CloudFormation template. */
export function mirrorTemplate(yaml?: string, props?: Partial<ImageMirrorStackProps>): Template {
  return Template.fromStack(mirrorStack(yaml, props));
}

/** One function's resource: its logical id and properties. */
export function functionOf(
  template: Template,
  name: string,
): { id: string; properties: Record<string, unknown> } {
  const found = Object.entries(template.findResources('AWS::Lambda::Function')).filter(
    ([, { Properties }]) => Properties.Environment?.Variables?.POWERTOOLS_SERVICE_NAME === name,
  );
  const [only, ...others] = found;
  if (only === undefined || others.length > 0) throw new Error(`${found.length} functions are named ${name}`);
  return { id: only[0], properties: only[1].Properties };
}

/** A policy statement as it is in the template; actions and resources are always lists. */
export interface Statement {
  actions: string[];
  /** ARNs as text: `<AWS::Partition>` and `<LogicalId.Arn>` for what CloudFormation fills in. */
  resources: string[];
  conditions: Record<string, unknown>;
}

/**
 * All statements of a function's role. A statement that denies or excludes anything is an error: we
 * write none.
 */
export function statementsOf(template: Template, name: string): Statement[] {
  const role = (functionOf(template, name).properties.Role as { 'Fn::GetAtt': [string, string] })[
    'Fn::GetAtt'
  ][0];
  const inline = template.findResources('AWS::IAM::Role')[role]?.Properties;
  if (inline?.ManagedPolicyArns || inline?.Policies) throw new Error(`${role} has policies besides its own`);
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter(({ Properties }) => Properties.Roles.some((of: { Ref: string }) => of.Ref === role))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .map((statement) => {
      if (statement.Effect !== 'Allow' || statement.NotAction || statement.NotResource) {
        throw new Error(`${name}: unexpected statement ${JSON.stringify(statement)}`);
      }
      return {
        actions: [statement.Action].flat(),
        resources: [statement.Resource].flat().map(asText),
        conditions: statement.Condition ?? {},
      };
    });
}

/** A CloudFormation value as text. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[fn, argument] = ['', undefined]] = Object.entries(value as Record<string, unknown>);
  if (fn === 'Ref') return `<${argument}>`;
  if (fn === 'Fn::GetAtt') return `<${(argument as string[]).join('.')}>`;
  if (fn === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(asText).join(separator);
  }
  throw new Error(`a value that this test does not know: ${JSON.stringify(value)}`);
}

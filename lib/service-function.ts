import { join } from 'node:path';
import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  Code,
  type FunctionOptions,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct, Dependable } from 'constructs';
import type { Config } from '../core/config/config.ts';
import { metricNamespace } from '../core/telemetry/metrics.ts';
import { acknowledge } from './acknowledge.ts';
import { bundleOptions, packageRoot, prebuiltBundle } from './function-bundle.ts';
import { grantNetworkInterfaces } from './network-interfaces.ts';
import type { FunctionNetwork } from './network-props.ts';

/** The functions, by the folder under `lambda/` that holds their `handler.ts`. */
export type FunctionName =
  | 'webhook'
  | 'mirror'
  | 'layer'
  | 'api'
  | 'schedule'
  | 'reconcile'
  | 'retention'
  | 'registry-events'
  | 'snapshot'
  | 'notify'
  | 'blob-mounting';

/** Settings of {@link ServiceFunction}. */
export interface ServiceFunctionProps {
  /** Which function: `lambda/<name>/handler.ts`, which exports `handler`. */
  readonly name: FunctionName;
  /** What it does, as the console shows it. */
  readonly description: string;
  /** How long an invocation may take. */
  readonly timeout: Duration;
  /** Memory in MB; the CPU share is proportional to it. */
  readonly memorySize: number;
  /**
   * The most invocations at once, which are taken from the account's limit.
   *
   * @default - as many as the account allows
   */
  readonly reservedConcurrency?: number;
  /** How long its logs are kept. */
  readonly logRetention: RetentionDays;
  /** Whether X-Ray traces it. */
  readonly tracing: boolean;
  /** The normalised configuration, which is part of its bundle. */
  readonly config: Config;
  /** Its environment, in addition to what every function has. */
  readonly environment: Record<string, string>;
  /**
   * The VPC that it runs in.
   *
   * @default - none
   */
  readonly network?: FunctionNetwork;
}

/** What all functions of a mirror share. */
export type FunctionDefaults = Pick<
  ServiceFunctionProps,
  'config' | 'environment' | 'logRetention' | 'tracing' | 'network'
>;

/**
 * One Lambda function with its own log group and role. The role may only write to that log group
 * until it is granted more. It has no managed policy, since AWSLambdaBasicExecutionRole allows
 * every log group.
 */
export class ServiceFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, 'Role', {
      description: `Drayage: what the ${props.name} function may do`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    // A function depends on its role by naming it. What else must be there first are its policies.
    // https://github.com/aws-cloudformation/cfn-lint/blob/main/docs/rules.md (W3005)
    Dependable.implement(role, {
      get dependencyRoots() {
        return role.node.children.filter((child) => child !== role.node.defaultChild);
      },
    });
    this.logGroup.grantWrite(role);
    if (props.network) grantNetworkInterfaces(this, role);
    this.function = this.#makeFunction(props, {
      description: `Drayage: ${props.description}`,
      architecture: Architecture.ARM_64,
      timeout: props.timeout,
      memorySize: props.memorySize,
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      role,
      ...(props.tracing && { tracing: Tracing.ACTIVE }),
      logGroup: this.logGroup,
      ...(props.network && {
        vpc: props.network.vpc,
        vpcSubnets: { subnets: [...props.network.subnets] },
        securityGroups: [...props.network.securityGroups],
      }),
      environment: {
        NODE_OPTIONS: '--enable-source-maps',
        POWERTOOLS_SERVICE_NAME: props.name,
        POWERTOOLS_METRICS_NAMESPACE: metricNamespace,
        ...props.environment,
      },
    });
    if (props.tracing)
      acknowledge(
        this,
        'AwsSolutions-IAM5[Resource::*]',
        'xray:PutTraceSegments and xray:PutTelemetryRecords do not support resource-level permissions: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html',
      );
  }

  #makeFunction({ name, config }: ServiceFunctionProps, options: FunctionOptions): LambdaFunction {
    // Pinned: NODEJS_LATEST differs by region and by the version of the CDK.
    const runtime = Runtime.NODEJS_24_X;
    const folder = prebuiltBundle(this, name, config);
    if (folder !== undefined) {
      const code = Code.fromAsset(folder);
      return new LambdaFunction(this, 'Function', { ...options, runtime, code, handler: 'index.handler' });
    }
    return new NodejsFunction(this, 'Function', {
      ...options,
      runtime,
      entry: join(packageRoot, 'lambda', name, 'handler.ts'),
      handler: 'handler',
      projectRoot: packageRoot,
      depsLockFilePath: join(packageRoot, 'package-lock.json'),
      bundling: bundleOptions(this, name, config),
    });
  }
}

import type { Node } from 'constructs';
import { InvalidImageMirrorPropsError } from './image-mirror-props.ts';

/** Settings of the CDK app besides the configuration. */
export interface AppSettings {
  /** The path of the configuration. */
  configFile: string;
  /** Environment variables for the functions. */
  environment: Record<string, string>;
}

/**
 * Read the settings of the CDK app from context values (`--context`, cdk.json) and environment
 * variables.
 *
 * @param context where to look up context values: the app's node
 * @param variables the environment variables
 * @throws InvalidImageMirrorPropsError if a context value has the wrong type
 */
export function readAppSettings(
  context: Pick<Node, 'tryGetContext'>,
  variables: Readonly<Record<string, string | undefined>>,
): AppSettings {
  const configFile: unknown = context.tryGetContext('config') ?? variables.DRAYAGE_CONFIG ?? './mirror.yaml';
  if (typeof configFile !== 'string' || configFile === '') {
    throw new InvalidImageMirrorPropsError([
      `context config: ${JSON.stringify(configFile)} is not a path; write, for example, --context config=mirror.yaml`,
    ]);
  }
  return { configFile, environment: stringMap(context.tryGetContext('environment')) };
}

/** From the command line, a context value is a string; from cdk.json, it may be an object. */
function stringMap(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  const object = typeof value === 'string' ? parsed(value) : value;
  if (isStringMap(object)) return object;
  throw new InvalidImageMirrorPropsError([
    'context environment: it must be a JSON object of strings, for example {"AWS_ENDPOINT_URL_ECR":"http://127.0.0.1:5000"}',
  ]);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isStringMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'string');
}

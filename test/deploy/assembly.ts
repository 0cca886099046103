import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stackName } from './cdk.ts';

interface Resource {
  Type: string;
  DeletionPolicy?: string;
}

/** The stack's resources in the template that the CDK wrote last into this folder. */
function resourcesIn(folder: string): [logicalId: string, resource: Resource][] {
  const file = join(folder, 'cdk.out', `${stackName}.template.json`);
  return Object.entries(JSON.parse(readFileSync(file, 'utf8')).Resources);
}

/** The types whose resources hold something that a replacement would lose. */
const stateful = new Set([
  'AWS::ApiGatewayV2::Api',
  'AWS::DynamoDB::Table',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
]);

/** The logical ids of what must not be replaced, with its type. */
export function statefulIn(folder: string): Map<string, string> {
  return new Map(
    resourcesIn(folder)
      .filter(([, { Type }]) => stateful.has(Type))
      .map(([id, { Type }]) => [id, Type]),
  );
}

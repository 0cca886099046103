import { isRepository } from '../../core/oci/reference.ts';
import type { Flavour } from './registry-context.ts';

/**
 * The pattern of the API's model, which its errors quote: it only allows single separators, unlike
 * distribution's grammar.
 */
export const ecrNamePattern = '(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*';

const ecrName = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

/** Whether ECR accepts a repository name: 2 to 256 characters that match its grammar. */
export function isEcrRepositoryName(name: string): boolean {
  return name.length >= 2 && name.length <= 256 && ecrName.test(name);
}

/** Whether a name is valid for a repository here. */
export function isRepositoryName(flavour: Flavour, name: string): boolean {
  return flavour === 'ecr' ? isEcrRepositoryName(name) : isRepository(name);
}

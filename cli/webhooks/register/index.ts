import { acr } from './acr.ts';
import { artifactory } from './artifactory.ts';
import { dockerhub } from './dockerhub.ts';
import { gitea } from './gitea.ts';
import { github } from './github.ts';
import { harbor } from './harbor.ts';
import { nexus } from './nexus.ts';
import { quay } from './quay.ts';
import type { Registrar } from './registrar.ts';

/** The upstreams whose APIs take webhooks. */
export const registrars: readonly Registrar[] = [
  github,
  dockerhub,
  quay,
  harbor,
  gitea,
  acr,
  artifactory,
  nexus,
];

/** The registrar for webhooks of that source; undefined if there is no API for it. */
export function findRegistrar(source: string): Registrar | undefined {
  return registrars.find(({ sources }) => sources.includes(source));
}

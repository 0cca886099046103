import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import type { Repository } from '../repository.ts';
import { ApiError } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';

/** A policy that a repository may have, as a text. */
interface PolicyKind {
  /** Where the repository keeps it. */
  extra: 'policy' | 'lifecyclePolicy';
  /** Its name in answers. */
  field: 'policyText' | 'lifecyclePolicyText';
  /** How errors name it. */
  title: string;
  notFound: 'RepositoryPolicyNotFoundException' | 'LifecyclePolicyNotFoundException';
}

/** Get, Put (or Set) and Delete of a policy: each answers with the policy's text. */
export class PolicyTexts {
  readonly #kind: PolicyKind;

  constructor(kind: PolicyKind) {
    this.#kind = kind;
  }

  async get(context: RegistryContext, body: unknown): Promise<unknown> {
    const repository = requireRepository(context, parseInput(z.object(repositoryInput), body));
    return this.#answer(context, repository, this.#require(context, repository));
  }

  async put(context: RegistryContext, repository: Repository, text: string): Promise<unknown> {
    await context.catalog.changeRepository(repository, ({ settings, extras }) => ({
      settings,
      extras: { ...extras, [this.#kind.extra]: text },
    }));
    return this.#answer(context, repository, text);
  }

  async delete(context: RegistryContext, body: unknown): Promise<unknown> {
    const repository = requireRepository(context, parseInput(z.object(repositoryInput), body));
    let deleted = '';
    await context.catalog.changeRepository(repository, ({ settings, extras }) => {
      deleted = this.#require(context, repository);
      const { [this.#kind.extra]: _, ...others } = extras;
      return { settings, extras: others };
    });
    return this.#answer(context, repository, deleted);
  }

  #answer({ accountId: registryId }: RegistryContext, { name }: Repository, text: string) {
    return { registryId, repositoryName: name, [this.#kind.field]: text };
  }

  #require({ accountId }: RegistryContext, { name, extras }: Repository): string {
    const { extra, title, notFound } = this.#kind;
    const text = extras[extra];
    if (text !== undefined) return text;
    throw new ApiError(
      notFound,
      `${title} does not exist for the repository with name '${name}' in the registry with id '${accountId}'`,
    );
  }
}

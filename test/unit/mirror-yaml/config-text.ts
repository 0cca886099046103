import type { Config } from '../../../core/config/config.ts';
import type { Authority, TextMatch, Verification } from '../../../core/config/verification.ts';
import { type ConfigError, parseConfig } from '../../../core/mirror-yaml/parse.ts';

/** The configuration of a text that must be valid. */
export function configOf(text: string): Config {
  const parsed = parseConfig(text);
  if (!parsed.ok) throw new Error(parsed.errors.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return parsed.config;
}

/** The errors of a text that must be invalid. */
export function errorsOf(text: string): ConfigError[] {
  const parsed = parseConfig(text);
  if (parsed.ok) throw new Error('the text was accepted');
  return parsed.errors;
}

/** A file with one upstream that has these lines. */
export function withUpstream(...lines: string[]): string {
  return ['version: 1', 'mirror: { regions: [eu-west-1] }', 'upstreams:', ...lines].join('\n');
}

/**
 * The mirror.yaml for this configuration, with everything written out and nothing left to a
 * default.
 */
export function asWritten(config: Config): Record<string, unknown> {
  const { repository, historySeconds, ...mirror } = config.mirror;
  const { encryption } = repository;
  return {
    version: config.version,
    mirror: {
      ...mirror,
      repository: {
        ...repository,
        encryption: encryption.type === 'KMS' ? { kmsKey: encryption.kmsKey } : 'AES256',
      },
      history: `${historySeconds}s`,
    },
    api: config.api,
    ...(config.alarms && {
      alarms: {
        ...(config.alarms.topic && { topic: config.alarms.topic }),
        lag: `${config.alarms.lagSeconds}s`,
      },
    }),
    ...(config.network && { network: config.network }),
    upstreams: config.upstreams.map(({ timeoutSeconds, ...upstream }) => ({
      ...upstream,
      ...(timeoutSeconds !== undefined && { timeout: `${timeoutSeconds}s` }),
      repositories: upstream.repositories.map(({ reconcileSeconds, retention, verify, ...rule }) => ({
        ...rule,
        ...(verify && { verify: verificationAsWritten(verify) }),
        ...(retention && {
          retention: {
            ...(retention.keepNewest > 0 && { keepNewest: retention.keepNewest }),
            ...(retention.unmappedForSeconds > 0 && { unmappedFor: `${retention.unmappedForSeconds}s` }),
          },
        }),
        reconcile: reconcileSeconds === undefined ? 'never' : `${reconcileSeconds}s`,
      })),
    })),
  };
}

function verificationAsWritten({ match, requirements }: Verification): unknown {
  return {
    [match]: requirements.map((requirement) =>
      requirement.kind === 'signature'
        ? { cosign: authorityAsWritten(requirement.authority) }
        : {
            attestation: {
              type: requirement.predicateType,
              ...(requirement.where.length > 0 && {
                where: Object.fromEntries(
                  requirement.where.map(({ field, value }) => [field, textAsWritten(value)]),
                ),
              }),
              ...authorityAsWritten(requirement.authority),
            },
          },
    ),
  };
}

function authorityAsWritten(authority: Authority): object {
  switch (authority.kind) {
    case 'key':
      return { key: authority.file ?? authority.publicKey };
    case 'kms':
      return { key: `awskms:///${authority.key}` };
    case 'keyless': {
      const { issuer, identity, trustedRootFile: trustedRoot } = authority;
      return {
        keyless: { issuer: textAsWritten(issuer), identity: textAsWritten(identity) },
        ...(trustedRoot !== undefined && { trustedRoot }),
      };
    }
  }
}

function textAsWritten(match: TextMatch): unknown {
  return 'equals' in match ? match.equals : match;
}

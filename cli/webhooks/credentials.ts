import { readFileSync } from 'node:fs';
import { fileFailure } from '../../core/config/file-failure.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { UpstreamCredentials } from './register/registrar.ts';

const variable = 'DRAYAGE_UPSTREAM_TOKEN';
const maxBytes = 64 * 1024;

/** The flags with a user's credentials for an upstream. */
export interface CredentialFlags {
  user?: string;
  /** `-`: standard input. */
  tokenFile?: string;
}

/**
 * The variable with the token for one webhook's upstream: for `acme-hub`,
 * `DRAYAGE_UPSTREAM_TOKEN_ACME_HUB`.
 */
export function tokenVariable(name: string): string {
  return ownVariable(variable, name);
}

function ownVariable(general: string, name: string): string {
  return `${general}_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/**
 * The credentials for the upstreams of webhooks. A token that does not name its upstream is sent to
 * a single upstream only: otherwise each would see a token meant for another. A user's name can be
 * set for each in the same way, `DRAYAGE_UPSTREAM_USER_ACME_HUB`.
 *
 * @param names of webhooks, with the endpoints of their upstreams
 * @throws UsageError if one has none
 */
export function readCredentials(
  names: ReadonlyMap<string, string>,
  flags: CredentialFlags,
  env: NodeJS.ProcessEnv,
): Map<string, UpstreamCredentials> {
  const general = flags.tokenFile === undefined ? env[variable] : readToken(flags.tokenFile);
  const own = new Map([...names.keys()].map((name) => [name, env[tokenVariable(name)]]));
  const sharing = new Set([...names].filter(([name]) => !own.get(name)).map(([, endpoint]) => endpoint));
  if (general && sharing.size > 1)
    throw new UsageError(
      `one token can’t be for ${[...sharing].join(' and ')}: name a webhook, or set a variable for each, such as ${tokenVariable([...names.keys()][0] ?? '')}`,
    );
  return new Map(
    [...names.keys()].map((name) => {
      const token = own.get(name) || general;
      const user = env[ownVariable('DRAYAGE_UPSTREAM_USER', name)] || flags.user;
      if (!token)
        throw new UsageError(
          `${name}: who may enter it at the upstream? Set ${variable} (or ${tokenVariable(name)}), or give --token-file FILE (- is standard input)`,
        );
      // A header can't contain line breaks; fetch's own message would quote the token.
      if (/[^\x21-\x7e]/.test(token) && user === undefined)
        throw new UsageError(`${name}: the token contains characters that no token has`);
      return [name, { user, token }];
    }),
  );
}

function readToken(file: string): string {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`--token-file ${file} can’t be read: ${fileFailure(error, file).reason}`);
  }
  const token = text.replace(/\r?\n$/, '');
  if (token !== '' && token.length <= maxBytes) return token;
  throw new UsageError(`--token-file ${file} is ${token === '' ? 'empty' : 'too long for a token'}`);
}

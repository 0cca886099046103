import { CopyError } from '../../core/copy/errors.ts';
import {
  connectionRemedy,
  mirrorSettings,
  type SettingNames,
} from '../../core/registry/connection-remedies.ts';
import { RegistryError, type Side } from '../../core/registry/errors.ts';
import { CopyFailure, explainFailure, type Failure } from '../copy/explain.ts';
import { ecrOf } from '../logins/aws-login.ts';

/** How the settings of a connection are called here: upstreams have theirs in mirror.yaml. */
const settings: Record<Side, SettingNames> = {
  upstream: {
    ...mirrorSettings,
    authority: 'add --ca-file FILE, or network.caBundle in mirror.yaml',
    proxy: 'network.proxy in mirror.yaml, HTTPS_PROXY or HTTP_PROXY',
  },
  mirror: {
    path: '/v2/',
    plainHttp: 'add --dst-plain-http',
    https: 'leave out --dst-plain-http',
    authority: 'add --ca-file FILE',
    proxy: 'HTTPS_PROXY or HTTP_PROXY',
  },
};

/** Explains a failure. */
export type Explain = (error: unknown) => CopyFailure;

/**
 * Explains failures as `drayage copy` does, with remedies for who has a mirror.yaml.
 *
 * @param secrets whether the upstreams' logins are those of `--secrets`
 */
export function explainer({ secrets }: { secrets: boolean }): Explain {
  return (error) => {
    const failure = explainFailure(error);
    const cause = error instanceof CopyFailure ? error.cause : error;
    const remedy = remedyFor(failure, cause, secrets) ?? failure.remedy;
    return new CopyFailure({ ...failure, ...(remedy !== undefined && { remedy }) }, cause);
  };
}

function remedyFor({ operation, repository }: Failure, cause: unknown, secrets: boolean): string | undefined {
  // Written for mirror.yaml.
  if (cause instanceof CopyError) return cause.remedy;
  if (!(cause instanceof RegistryError)) return undefined;
  const { side, code, registry, problem, isExplained } = cause;
  if (problem) return connectionRemedy(problem, settings[side]);
  if (side === 'upstream') {
    const isSetting = /\b(authHosts|redirectHosts)\b/.test(cause.remedy);
    const isLogin = secrets && (code === 'UNAUTHORIZED' || code === 'DENIED');
    const isOwn = isSetting || isLogin || isExplained || code === 'MANIFEST_UNKNOWN';
    return isOwn ? cause.remedy : undefined;
  }
  if (code === 'AccessDeniedException')
    return `the AWS credentials may not do this: allow ecr:${operation} on the repository`;
  const isMissing =
    code === 'NAME_UNKNOWN' ||
    (code === 'CONNECTION' && (operation === 'start upload' || operation === 'mount blob'));
  if (!isMissing || ecrOf(registry, process.env) === undefined) return undefined;
  return `the repository may not exist: allow ecr:CreateRepository, or create it: aws ecr create-repository --repository-name ${repository ?? 'NAME'}`;
}

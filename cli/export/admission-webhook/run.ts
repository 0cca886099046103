import { choiceSegment } from '../../../core/admission/choice.ts';
import {
  type CommonOptions,
  inClusterWebhook,
  remoteWebhook,
} from '../../../core/exports/manifests/admission-webhook/index.ts';
import { apiAddress, originAndPath } from '../../api/address.ts';
import { DrayageApi } from '../../api/client.ts';
import { CommandError } from '../../shared/command-error.ts';
import { printOrWrite } from '../../shared/print-or-write.ts';
import { UsageError } from '../../shared/usage-error.ts';
import { type AdmissionWebhookFlags, readCaBundle, scopeOf } from './flags.ts';

/**
 * `drayage export admission-webhook`
 *
 * @throws CommandError, UsageError, RequestError
 */
export async function runAdmissionWebhook(flags: AdmissionWebhookFlags): Promise<void> {
  const { inCluster = false, missing, timeout, caBundle: file } = flags;
  checkFlags(flags);
  const common: CommonOptions = {
    scope: scopeOf(flags),
    missing,
    timeoutSeconds: timeout ?? (inCluster ? 2 : 5),
    caBundle: file === undefined ? undefined : readCaBundle(file),
  };
  const text = inCluster ? served(flags, common) : remoteWebhook(await addressOf(flags), common);
  await printOrWrite(text, flags.output);
}

/** Options of one variant make no sense with the other. */
function checkFlags(flags: AdmissionWebhookFlags): void {
  const { inCluster, image, certManager, caBundle } = flags;
  if (inCluster) {
    if (flags.reachedAt !== undefined)
      throw new UsageError('--reached-at is not for --in-cluster: the server asks the API at --api');
    if (image === undefined)
      throw new UsageError('--in-cluster needs the image of this command: --image REGISTRY/drayage:VERSION');
    if ((certManager === undefined) === (caBundle === undefined))
      throw new UsageError(
        '--in-cluster needs either --cert-manager, which makes the certificate, or --ca-bundle FILE, the authority that signed it',
      );
    return;
  }
  for (const name of ['image', 'replicas', 'refresh', 'region', 'certManager'] as const)
    if (flags[name] !== undefined)
      throw new UsageError(`--${name === 'certManager' ? 'cert-manager' : name} is only for --in-cluster`);
}

function served(flags: AdmissionWebhookFlags, common: CommonOptions): string {
  const {
    api,
    token: _,
    image = '',
    replicas = 2,
    refresh = '30s',
    region,
    tags = false,
    certManager,
  } = flags;
  if (api === undefined || api === '')
    throw new UsageError(
      'where does the server find the API? Give its address with --api URL, or set DRAYAGE_API',
    );
  return inClusterWebhook({
    ...common,
    api: originAndPath(api, '--api'),
    image,
    replicas,
    refresh,
    region,
    tags,
    ...(certManager && { certManager: certManager === true ? {} : { issuer: certManager } }),
  });
}

/** The webhook's own address, which the API tells the operator. */
async function addressOf(flags: AdmissionWebhookFlags): Promise<string> {
  const { missing, tags = false, reachedAt } = flags;
  const { url } = await new DrayageApi(apiAddress(flags)).admission();
  const token = /\/v1\/admission\/([\w-]{43})$/.exec(url)?.[1];
  if (token === undefined)
    throw new CommandError(
      'the API shows the webhook’s address only to the operator',
      'pass the operator’s token with --token or DRAYAGE_TOKEN',
    );
  const origin =
    reachedAt === undefined
      ? url.slice(0, url.lastIndexOf('/v1/'))
      : originAndPath(reachedAt, '--reached-at');
  if (!origin.startsWith('https://'))
    throw new CommandError(
      `the apiserver sends reviews only by https, and the API’s address is ${origin}`,
      'say with --reached-at https://… how the cluster reaches it, for example through a tunnel; --in-cluster takes any address',
    );
  const segment = choiceSegment({ missing, tags });
  return `${origin}/v1/admission/${token}${segment === 'keep' ? '' : `/${segment}`}`;
}

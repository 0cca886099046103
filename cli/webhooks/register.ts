import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { apiAddress, originAndPath } from '../api/address.ts';
import { DrayageApi } from '../api/client.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { UsageError } from '../shared/usage-error.ts';
import { proseWidth, wrapped } from '../terminal/wrap.ts';
import { type CredentialFlags, readCredentials } from './credentials.ts';
import { describeSteps, masked } from './describe.ts';
import { enterWebhook, type Failure, failureOf, type PlaceResult, type Registration } from './enter.ts';
import { findWebhook, requireSecrets } from './find.ts';
import { findRegistrar } from './register/index.ts';

/** The options of `drayage webhooks register`. */
export interface RegisterFlags extends ApiFlags, CredentialFlags {
  all?: boolean;
  at?: string[];
  endpoint?: string;
  dryRun?: boolean;
}

/** The outcome for a webhook: for each place, or the steps to do by hand. */
interface RegisteredWebhook {
  name: string;
  source: string;
  endpoint?: string;
  places: PlaceResult[];
  /** The places could not be determined. */
  error?: Failure;
  /** There is no API for it: the steps to do by hand. */
  steps?: string[];
}

/**
 * `drayage webhooks register`: enters webhooks at their upstreams. It can be run any number of
 * times.
 */
export async function runRegister(names: string[], flags: RegisterFlags): Promise<void> {
  const { at = [] } = flags;
  if (flags.all ? names.length > 0 : names.length === 0)
    throw new UsageError('name the webhooks, or give --all and no names');
  if ((at.length > 0 || flags.endpoint !== undefined) && (flags.all || new Set(names).size > 1))
    throw new UsageError('--at and --endpoint apply to one webhook: name only that one');
  const all = await new DrayageApi(apiAddress(flags)).webhooks();
  const chosen = flags.all ? all : [...new Set(names)].map((name) => findWebhook(all, name));
  for (const webhook of chosen) requireSecrets(webhook);

  const registrations = chosen.flatMap((webhook) => registrationOf(webhook, flags) ?? []);
  const endpoints = new Map(registrations.map(({ webhook, endpoint }) => [webhook.name, endpoint]));
  const credentials = readCredentials(endpoints, flags, process.env);
  const results: RegisteredWebhook[] = [];
  for (const webhook of chosen) {
    const { name, source } = webhook;
    const registration = registrations.find((each) => each.webhook === webhook);
    const own = credentials.get(name);
    if (registration === undefined || own === undefined) {
      results.push({ name, source, places: [], steps: masked(webhook).steps });
      if (!flags.json) tellByHand(webhook);
      continue;
    }
    const places: PlaceResult[] = [];
    const options = { credentials: own, at, dryRun: flags.dryRun === true };
    const entered: RegisteredWebhook = { name, source, endpoint: registration.endpoint, places };
    results.push(entered);
    try {
      await enterWebhook(registration, options, (result) => {
        places.push(result);
        tell(name, result, flags);
      });
    } catch (error) {
      // A problem with one of several does not keep the others from being entered.
      const lacks = chosen.length > 1 && error instanceof UsageError;
      entered.error = lacks ? { message: error.message.replace(`${name}: `, '') } : failureOf(error);
      tellFailure(name, entered.error);
    }
  }
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ dryRun: flags.dryRun === true, webhooks: results })}\n`);
  const isDone = ({ steps, places, error }: RegisteredWebhook) =>
    steps === undefined && error === undefined && places.every((result) => 'outcome' in result);
  if (!results.every(isDone)) process.exitCode = 1;
}

/** Undefined if there is no API for the source. */
function registrationOf(webhook: PresentedWebhook, { endpoint }: RegisterFlags): Registration | undefined {
  const registrar = findRegistrar(webhook.source);
  if (registrar === undefined) return undefined;
  const found =
    endpoint === undefined ? registrar.endpoint(webhook.registry) : originAndPath(endpoint, '--endpoint');
  if (found !== undefined) return { webhook, registrar, endpoint: found };
  throw new UsageError(
    `${webhook.name}: where is the API of ${webhook.registry}? Give its address with --endpoint, such as https://github.example/api/v3`,
  );
}

function tell(name: string, result: PlaceResult, { dryRun, json }: RegisterFlags): void {
  if ('error' in result) {
    tellFailure(`${name} at ${result.place}`, result.error);
    return;
  }
  const { outcome, place } = result;
  const done =
    outcome === 'unchanged' ? 'is there already' : dryRun ? `would be ${outcome}` : `was ${outcome}`;
  if (!json) process.stdout.write(`${name} at ${place}: ${done}\n`);
}

function tellFailure(what: string, { message, remedy }: Failure): void {
  process.stderr.write(`${what}: ${message}\n${remedy === undefined ? '' : `  ${remedy}\n`}`);
}

/** Leaves out the secret, which `drayage webhooks list NAME --secrets` shows. */
function tellByHand(webhook: PresentedWebhook): void {
  const { name, title, authentication } = webhook;
  const how =
    authentication.kind === 'oidc' ? '' : ` (drayage webhooks list ${name} --secrets shows the secret, too)`;
  const width = proseWidth(process.stderr);
  const lines = [
    ...wrapped('', `${name}: webhooks of ${title} are entered by hand${how}:`, width),
    ...describeSteps(masked(webhook), width),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
}

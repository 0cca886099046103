import { randomUUID } from 'node:crypto';
import { signDelivery } from '../../core/webhooks/authenticity/sign.ts';
import { findSource } from '../../core/webhooks/sources/index.ts';
import { apiAddress } from '../api/address.ts';
import { DrayageApi, type Job } from '../api/client.ts';
import { followJob } from '../api/follow-jobs.ts';
import { jobMeaning } from '../api/job-meaning.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { CommandError } from '../shared/command-error.ts';
import { deliver } from './deliver.ts';
import { findWebhook, requireSecrets } from './find.ts';
import { sampleImage } from './sample-image.ts';

/** The options of `drayage webhooks test`. */
export interface TestFlags extends ApiFlags {
  image?: string;
}

const follow = { everyMs: 1_000, withinMs: 30 * 60_000 };

/** `drayage webhooks test`: delivers what the sender would, and follows the resulting job. */
export async function runTest(name: string, flags: TestFlags): Promise<void> {
  const address = apiAddress(flags);
  const api = new DrayageApi(address);
  const webhook = findWebhook(await api.webhooks(), name);
  const source = findSource(webhook.source);
  const known = source?.optionsSchema.safeParse(webhook.options);
  if (source === undefined || !known?.success)
    throw new Error(
      `this version of drayage does not know the source ${webhook.source} with its options: use the version that is deployed`,
    );
  const options = known.data;
  const authentication = source.authentication(options);
  if (authentication.kind === 'oidc')
    throw new Error(`only the issuer can sign deliveries of ${name}: push an image instead`);
  requireSecrets(webhook);
  const image = await sampleImage(api, webhook, flags.image);
  const { headers = {}, body: sample } = source.sample(image, options);
  const body = Buffer.from(JSON.stringify(sample));
  const proof = signDelivery(authentication, webhook.secret ?? '', {
    body,
    id: randomUUID(),
    now: new Date(),
  });
  const said = `${image.registry}/${image.repository}:${image.tag}`;
  process.stderr.write(`delivering that ${said} was pushed, as ${source.title} does\n`);
  if (new URL(webhook.url).origin !== new URL(address.api).origin)
    process.stderr.write(`to ${new URL(webhook.url).origin}, which is where the API says that webhooks go\n`);

  const { accepted, ignored } = await deliver(webhook, { ...headers, ...proof?.headers }, body);
  const [first] = accepted;
  for (const { image: about, reason } of ignored)
    process.stderr.write(`ignored${about === undefined ? '' : ` ${about}`}: ${reason}\n`);
  const job = first && (await followToEnd(api, first.job));
  if (flags.json) process.stdout.write(`${JSON.stringify({ accepted, ignored, ...(job && { job }) })}\n`);
  if (job === undefined)
    throw new CommandError(
      'the delivery is authentic, but led to no job',
      'give an image that mirror.yaml mirrors with --image',
    );
  const end = conclude(job);
  if (!flags.json) process.stdout.write(`${end}\n`);
}

function followToEnd(api: DrayageApi, id: string): Promise<Job> {
  let last = '';
  return followJob(api, id, {
    ...follow,
    onLook({ state, notBefore }) {
      if (state === last) return;
      last = state;
      const until = state === 'waiting' && notBefore !== undefined ? ` until ${notBefore}` : '';
      process.stderr.write(`job ${id}: ${state}${until}\n`);
    },
  });
}

/**
 * The end of a job, in words.
 *
 * @throws CommandError if it failed or is still running
 */
function conclude(job: Job): string {
  const { id, image, state, error } = job;
  const told = jobMeaning(job);
  switch (state) {
    case 'committed':
    case 'satisfied':
    case 'superseded':
      return `${image}: ${state}, job ${id}${told === undefined ? '' : `: ${told}`}`;
    case 'failed':
      throw new CommandError(`job ${id} failed: ${error?.message ?? 'no reason was given'}`, error?.remedy);
    default:
      throw new CommandError(
        `job ${id} is still ${state}${error ? `: ${error.message}` : ''}`,
        `ask later: GET /v1/jobs/${id}`,
      );
  }
}

import type { Config } from '../../core/config/config.ts';
import type { StoredMapping } from '../../core/mapping/record.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';
import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import type { Ready } from '../../local/stack.ts';
import { counted } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';
import { wrapped } from '../terminal/wrap.ts';
import { describeWebhook } from '../webhooks/describe.ts';
import { noWebhooks } from '../webhooks/find.ts';
import { exampleImage } from './example-image.ts';

/** What the introduction is about. */
export interface Introduced {
  ready: Ready;
  config: Config;
  /** Where the configuration is. */
  file: string;
  /** The data folder, if there is one. */
  data?: string | undefined;
  webhooks: PresentedWebhook[];
  mappings: StoredMapping[];
  /** How this command was invoked: `drayage`, `npx drayage`. */
  command: string;
}

/**
 * What users need to know when they have just started the pipeline: its addresses, what to paste at
 * the senders, and what to try.
 */
export function introduction(about: Introduced, width: number): string[] {
  return [
    'The pipeline runs on this machine. Ctrl-C stops it.',
    '',
    ...places(about, width),
    '',
    ...senders(about, width),
    '',
    ...trials(about),
    '',
    'Deliveries and jobs, as they arrive:',
  ];
}

function places({ ready, config, file, data }: Introduced, width: number): string[] {
  const rules = config.upstreams.reduce((sum, { repositories }) => sum + repositories.length, 0);
  const asks = ready.tokens ? 'needs a token' : 'needs no token';
  const rows = [
    ['API', ready.api, asks],
    ['page', `${ready.api}/`, ready.tokens ? 'the status page; asks for a token' : 'the status page'],
    ['registry', ready.registry, `behaves like Amazon ECR; pulls need ${ready.tokens ? 'a' : 'no'} login`],
    data === undefined
      ? ['data', 'in memory', 'gone when it stops; --data FOLDER keeps it']
      : ['data', data, 'kept when it stops'],
    ['config', file, `${counted(config.upstreams.length, 'upstream')}, ${counted(rules, 'rule')}`],
  ];
  return formatTable(rows, { width: width - 2 }).map((row) => `  ${row}`);
}

function senders({ ready, webhooks }: Introduced, width: number): string[] {
  if (webhooks.length === 0) return wrapped('', `Nothing reports pushes yet: ${noWebhooks}.`, width);
  const blocks = webhooks.flatMap((webhook) => ['', ...describeWebhook(webhook, Date.now(), width)]);
  const reach =
    'Paste the following at the senders. Those on other machines need a tunnel, whose address then replaces ' +
    `${ready.api}.`;
  return [...wrapped('', reach, width), ...blocks];
}

/** Commands to copy: they stay on one line, however long. */
function trials({ ready, config, webhooks, mappings, command }: Introduced): string[] {
  const { api, registry, tokens } = ready;
  const tested = webhooks.filter(({ authentication }) => authentication.kind !== 'oidc');
  const registries = [...new Set([...tested, ...config.upstreams].map((each) => each.registry))];
  const image = exampleImage(config, registries, mappings);
  const webhook = tested.find((each) => each.registry === image?.registry) ?? tested[0];
  const name = image && `${image.registry}/${image.repository}:${image.tag}`;
  const deliver =
    webhook?.registry === image?.registry && webhook
      ? [
          `# deliver what ${webhook.title} sends after a push`,
          `${command} webhooks test ${webhook.name} --image ${name}`,
        ]
      : ['# mirror an image without a delivery', `${command} mirror ${name}`];
  const commands = [
    `export DRAYAGE_API=${api}${tokens ? ` DRAYAGE_TOKEN=${tokens.operator}` : ''}`,
    ...(webhook ? ['# the steps at the sender', `${command} webhooks list ${webhook.name} --secrets`] : []),
    ...(image === undefined
      ? []
      : [
          ...deliver,
          '# ask where the copy is, and pull it',
          `${command} lookup ${name}`,
          ...(tokens ? [loginOf(registry, config)] : []),
          `docker pull ${registry}/${mirrorRepository(config, image.registry, image.repository)}:${image.tag}`,
        ]),
    '# how everything is doing',
    `${command} status`,
  ];
  const note = image === undefined || image.isReal ? '' : ', with an image of yours in place of the capitals';
  return [`Try next, in another terminal${note}:`, '', ...commands.map((line) => `  ${line}`)];
}

/** The ECR login at the local registry, which accepts any AWS credentials. */
function loginOf(registry: string, { mirror }: Config): string {
  const region = mirror.regions[0] ?? 'local';
  return (
    `aws ecr get-login-password --endpoint-url http://${registry} --region ${region}` +
    ` | docker login --username AWS --password-stdin ${registry}`
  );
}

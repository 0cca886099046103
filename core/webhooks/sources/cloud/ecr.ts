import * as z from 'zod';
import type { Upstream } from '../../../config/config.ts';
import { isManifestType } from '../../../oci/media-types.ts';
import type { WebhookSource } from '../../source.ts';
import { headerOption } from '../shared/options.ts';
import {
  type EventReading,
  excerpt,
  ignore,
  imageDeleted,
  imagePushed,
  malformed,
  outcomeOf,
} from '../shared/outcome.ts';
import { isUpstreamHost } from '../shared/upstream-host.ts';

const options = z.strictObject({
  /** The name of the API key in the connection of an API destination. */
  header: headerOption('Authorization'),
});

type Options = z.output<typeof options>;

const decision = z.object({ source: z.string(), 'detail-type': z.string() });
const pushed = z.object({ detail: z.object({ 'action-type': z.string(), result: z.string() }) });
const tagged = z.object({
  account: z.string(),
  region: z.string(),
  detail: z.object({
    'repository-name': z.string(),
    'image-tag': z.string().nullish(),
    'image-digest': z.unknown().optional(),
    'manifest-media-type': z.string().nullish(),
  }),
});

const pattern =
  '{"source":["aws.ecr"],"detail-type":["ECR Image Action"],"detail":{"action-type":["PUSH","DELETE"],"result":["SUCCESS"]}}';

/**
 * Amazon ECR, by EventBridge: over HTTP from an API destination, or as an event from a rule. The
 * event's account and region give the registry; EventBridge sets them, and no sender can.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export const ecr: WebhookSource<Options> = {
  name: 'ecr',
  title: 'Amazon ECR',
  optionsSchema: options,
  authentication: ({ header }) => ({ kind: 'header', header: header.toLowerCase() }),
  receive: ({ body, upstream }) => outcomeOf([read(body, upstream)]),
  sample({ registry, repository, tag, digest, mediaType }) {
    const [account = '', , , region = ''] = registry.split('.');
    return {
      body: {
        'detail-type': 'ECR Image Action',
        source: 'aws.ecr',
        account,
        region,
        detail: {
          result: 'SUCCESS',
          'repository-name': repository,
          'image-digest': digest,
          'action-type': 'PUSH',
          'image-tag': tag,
          'manifest-media-type': mediaType,
        },
      },
    };
  },
  guide: {
    where: 'Amazon EventBridge in the account and region of the upstream registry',
    example: '111122223333.dkr.ecr.us-east-1.amazonaws.com',
    steps: [
      'An upstream in the account and region where Drayage is deployed needs nothing: the stack has the rule. For another account or region, either forward the events (steps 2 to 4) or deliver them by HTTPS (step 5).',
      '**Forward** the events to the default event bus of the account and region where Drayage is deployed. There, allow the other account to put events (`ACCOUNT` is the upstream’s; not needed for another region of the same account):\n\n```sh\naws events put-permission --statement-id drayage-{name} --principal ACCOUNT --action events:PutEvents\n```',
      'In the upstream’s account, create a role that EventBridge may assume and that may put events (`BUS_ARN` is `arn:aws:events:REGION:DRAYAGE_ACCOUNT:event-bus/default`):\n\n```sh\naws iam create-role --role-name drayage-{name} --assume-role-policy-document \'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole"}]}\'\naws iam put-role-policy --role-name drayage-{name} --policy-name forward --policy-document \'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"BUS_ARN"}]}\'\n```',
      `In the upstream’s account and region, create the rule and its target:\n\n\`\`\`sh\naws events put-rule --name drayage-{name} --event-pattern '${pattern}'\naws events put-targets --rule drayage-{name} --targets Id=drayage,Arn=BUS_ARN,RoleArn=arn:aws:iam::ACCOUNT:role/drayage-{name}\n\`\`\``,
      `**Or deliver by HTTPS**, all in the upstream’s account and region: create a connection, an API destination, and a rule whose target is the destination. \`ROLE_ARN\` is a role that EventBridge may assume, as in step 3, with the permission \`events:InvokeApiDestination\`. The commands print the ARNs:\n\n\`\`\`sh\naws events create-connection --name drayage-{name} --authorization-type API_KEY --auth-parameters '{"ApiKeyAuthParameters":{"ApiKeyName":"{header}","ApiKeyValue":"{secret}"}}'\naws events create-api-destination --name drayage-{name} --connection-arn CONNECTION_ARN --http-method POST --invocation-endpoint {url}\naws events put-rule --name drayage-{name} --event-pattern '${pattern}'\naws events put-targets --rule drayage-{name} --targets Id=drayage,Arn=API_DESTINATION_ARN,RoleArn=ROLE_ARN\n\`\`\``,
    ],
    accepted: 'an *ECR Image Action* of the type `PUSH` with the result `SUCCESS` and a tag',
    deleted: 'an *ECR Image Action* of the type `DELETE` with the result `SUCCESS`',
    ignored: {
      not_a_push: 'another detail type or action, such as a scan or a pull through cache',
      failed: 'the result is not `SUCCESS` but `FAILURE`',
      not_an_image: 'the media type is not that of a manifest',
      no_tag: 'the push was by digest, like those of the children of an index',
      other_registry: 'account and region are not those of the upstream',
    },
    reference:
      'the upstream’s registry, which must be that of the event’s account and region (`ACCOUNT.dkr.ecr.REGION.amazonaws.com`, dual-stack `ACCOUNT.dkr-ecr.REGION.on.aws`, or FIPS), and `detail.repository-name`',
    notes: [
      'ECR emits events on a best-effort basis. Request what was missed (`POST /v1/mirrors`); an event that arrived but could not be queued moves to the queue of lost events, with an alarm.',
      'Copies in the mirror’s own repositories are never mirrored again, although their pushes are events, too.',
      'An API destination must get the event unchanged: use no input transformer.',
    ],
    documentation: 'https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html',
  },
};

/** All names of a registry: https://docs.aws.amazon.com/general/latest/gr/ecr.html */
function namesOf(account: string, region: string): [string, ...string[]] {
  const [ipv4, dualstack] = region.startsWith('cn-')
    ? ['amazonaws.com.cn', 'on.amazonwebservices.com.cn']
    : ['amazonaws.com', 'on.aws'];
  return [
    `${account}.dkr.ecr.${region}.${ipv4}`,
    `${account}.dkr.ecr-fips.${region}.${ipv4}`,
    `${account}.dkr-ecr.${region}.${dualstack}`,
    `${account}.dkr-ecr-fips.${region}.${dualstack}`,
  ];
}

function read(body: unknown, upstream: Upstream): EventReading {
  const decided = decision.safeParse(body);
  if (!decided.success) return ignore(malformed(decided.error, body));
  const { source, 'detail-type': type } = decided.data;
  if (source !== 'aws.ecr') return ignore(`not_a_push: source is ${excerpt(source)}`);
  if (type !== 'ECR Image Action') return ignore(`not_a_push: detail-type is ${excerpt(type)}`);

  const push = pushed.safeParse(body);
  if (!push.success) return ignore(malformed(push.error, body));
  const { 'action-type': action, result } = push.data.detail;
  const isDeletion = action === 'DELETE';
  if (!isDeletion && action !== 'PUSH') return ignore(`not_a_push: detail.action-type is ${excerpt(action)}`);
  if (result !== 'SUCCESS') return ignore(`failed: detail.result is ${excerpt(result)}`);

  const parsed = tagged.safeParse(body);
  if (!parsed.success) return ignore(malformed(parsed.error, body));
  const { account, region, detail } = parsed.data;
  const mediaType = detail['manifest-media-type'];
  if (typeof mediaType === 'string' && !isManifestType(mediaType))
    return ignore(`not_an_image: detail.manifest-media-type is ${excerpt(mediaType)}`);
  const tag = detail['image-tag'];
  if (!tag && !isDeletion) return ignore('no_tag: detail.image-tag is missing or empty');

  const names = namesOf(account, region);
  if (!names.some((registry) => isUpstreamHost(upstream, registry)))
    return ignore(
      `other_registry: the event is from ${excerpt(names[0])}, and the webhook’s upstream is ${upstream.registry}`,
    );
  const image = { registry: upstream.registry, repository: detail['repository-name'] };
  const paths = { repository: 'detail.repository-name', tag: 'detail.image-tag' };
  const digest = detail['image-digest'];
  if (isDeletion || !tag) return imageDeleted({ ...image, tag, digest }, paths);
  return imagePushed({ ...image, tag }, paths, digest);
}

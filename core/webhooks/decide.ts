import type { Config } from '../config/config.ts';
import { formatReference, type Reference } from '../oci/reference.ts';
import { type SubjectReference, selectImage, selectSubject } from '../policy/select-image.ts';
import type { DeletionEvent, IgnoredEvent, PushEvent, WebhookAnswer, WebhookOutcome } from './source.ts';
import { imageName } from './sources/shared/outcome.ts';

/**
 * One delivery queues this many images at most. With more, the sender or API Gateway would time out
 * before all are queued, and each retry would start over. Senders name one image, or the tags of
 * one push.
 */
const maxImages = 1000;
/** An answer lists this many ignored events at most. */
const maxIgnored = 1000;

/** What the decision about a delivery's images depends on. */
export interface DecideDependencies {
  config: Config;
  /** The AWS account of the mirror's registry; absent if the mirror is not on AWS. */
  account?: string | undefined;
}

/**
 * The caller queues the events, each for a different image, then the `signatures`, each for an
 * image that something was added to, and then the `deletions`. It answers 202 with what was
 * accepted and what was ignored.
 */
export interface QueueableEvents {
  kind: 'events';
  status: 202;
  events: PushEvent[];
  signatures: SubjectReference[];
  deletions: DeletionEvent[];
  ignored: IgnoredEvent[];
}

/**
 * Selects each image once, and only images that the webhook may speak for and the configuration
 * mirrors. A push to one of cosign's tags, or to the referrers fallback tag, counts as an event of
 * the image that it belongs to. An artifact that is pushed by digest alone (with a `subject`, into
 * a registry that has the referrers API) moves no tag, and sources ignore it. Deletions count only
 * where the rule says `deleted: unmap`.
 */
export function decide(
  outcome: WebhookOutcome,
  registry: string,
  { config, account }: DecideDependencies,
): QueueableEvents | WebhookAnswer {
  if (outcome.kind === 'answer') return outcome;
  const images = new Map(outcome.events.map((event) => [imageName(event), event]));
  const deleted = new Map(outcome.deletions.map((deletion) => [imageName(deletion), deletion]));
  const events: PushEvent[] = [];
  const signatures = new Map<string, SubjectReference>();
  const deletions: DeletionEvent[] = [];
  const ignored = [...outcome.ignored];
  const refusal = (image: Reference) => {
    if (image.registry !== registry) return `other_registry: the webhook speaks for ${registry}`;
    if (!isOwnMirror(image, config, account)) return undefined;
    return 'own_mirror: the image is a copy in this mirror, which is not mirrored again';
  };
  for (const [image, event] of images) {
    const signed = selectSubject(config, event.image);
    const selection = signed ?? selectImage(config, event.image);
    const refused = refusal(event.image) ?? (selection.mirrored ? undefined : selection.reason);
    if (refused !== undefined) ignored.push({ image, reason: refused });
    else if (signed?.mirrored) signatures.set(formatReference(signed.subject), signed.subject);
    else events.push(event);
  }
  for (const [image, deletion] of deleted) {
    const selection = selectDeleted(deletion.image, config);
    const refused = refusal(deletion.image) ?? ('reason' in selection ? selection.reason : undefined);
    if (refused !== undefined) ignored.push({ image, reason: refused });
    else if ('deletion' in selection) deletions.push(selection.deletion);
  }
  return limited({
    kind: 'events',
    status: 202,
    events,
    signatures: [...signatures.values()],
    deletions,
    ignored,
  });
}

/**
 * A deletion, if its rule asks to follow it. A manifest may have more tags than the one that is
 * named: if the rule leaves that one out, the digest still counts.
 */
function selectDeleted(image: Reference, config: Config): { deletion: DeletionEvent } | { reason: string } {
  const { tag, digest, ...place } = image;
  let selection = selectImage(config, image);
  const isTagLeftOut = !selection.mirrored && tag !== undefined && digest !== undefined;
  if (isTagLeftOut) selection = selectImage(config, { ...place, digest });
  if (!selection.mirrored) return { reason: selection.reason };
  const { rule } = selection;
  if (rule.deleted === 'keep')
    return { reason: `kept: the rule ${rule.match} keeps what is deleted upstream (deleted: keep)` };
  return { deletion: { image: isTagLeftOut ? { ...place, digest } : image } };
}

/** Cuts off what is more than one delivery may queue, and says so. */
function limited(found: QueueableEvents): QueueableEvents {
  const events = found.events.slice(0, maxImages);
  const signatures = found.signatures.slice(0, maxImages - events.length);
  const deletions = found.deletions.slice(0, maxImages - events.length - signatures.length);
  const ignored = [...found.ignored];
  const left = found.events.length + found.signatures.length + found.deletions.length - maxImages;
  if (left > 0) {
    ignored.unshift({
      reason: `too_many: ${left} of the images that the delivery names; it queues the first ${maxImages}; request the others (POST /v1/mirrors), or send fewer at once`,
    });
  }
  if (ignored.length > maxIgnored) {
    const more = ignored.length - maxIgnored;
    ignored.splice(maxIgnored, more, { reason: `truncated: ${more} more were ignored` });
  }
  return { ...found, events, signatures, deletions, ignored };
}

/**
 * Whether an image is one of the mirror's own copies, under any of the registry's names. Mirroring
 * these would never end.
 */
function isOwnMirror({ registry, repository }: Reference, config: Config, account?: string): boolean {
  const { regions, repositoryPrefix } = config.mirror;
  const own = regions.flatMap((region) => [
    `${account}.dkr.ecr.${region}.amazonaws.com`,
    `${account}.dkr.ecr.${region}.amazonaws.com.cn`,
    `${account}.dkr-ecr.${region}.on.aws`,
  ]);
  const endpoint = config.upstreams.find((upstream) => upstream.registry === registry)?.endpoint;
  const names = [registry, ...(endpoint === undefined ? [] : [new URL(endpoint).host])];
  return (
    account !== undefined &&
    names.some((name) => own.includes(name)) &&
    repository.startsWith(`${repositoryPrefix}/`)
  );
}

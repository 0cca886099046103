import { inParallel } from '../async/in-parallel.ts';
import type { ContentRequirements } from '../config/content-requirements.ts';
import type { CopyPlan } from '../copy/plan.ts';
import type { CallOptions, ImageSource } from '../copy/ports.ts';
import { plainText } from '../oci/plain-text.ts';
import { formatPlatform, type Platform, parsePlatform, platformMatches } from '../oci/platform.ts';
import { type ReadConfig, readConfig } from './image-config.ts';
import { ContentRefused, type RefusalCode } from './refusal.ts';
import { type RunnableImage, runnableImages, unknownManifests } from './runnable-images.ts';

/** An image as it will be mirrored, and what its rule requires of it. */
export interface ContentToCheck {
  /** As it stands in messages, `registry/repository:tag`. */
  image: string;
  /** The `match` of its rule, for remedies. */
  match: string;
  requirements: ContentRequirements;
  plan: Pick<CopyPlan, 'root' | 'children' | 'sizeBytes'>;
  /** The upstream's repository: configs are read from there. */
  source: Pick<ImageSource, 'blob'>;
}

const configsAtOnce = 8;
/** Characters of a value from an image, and how many platforms, in a message. */
const maxShown = 100;
const mostNamed = 10;

/**
 * Checks what can be told from an image's manifests and configs: size, platforms, labels and
 * annotations. What can't be told counts as not met.
 *
 * @throws ContentRefused, or RegistryError if the upstream does not serve a config
 */
export async function checkContent(check: ContentToCheck, options: CallOptions = {}): Promise<void> {
  const { requirements, plan, source } = check;
  checkSize(check);
  checkAnnotations(check);
  const images = runnableImages(plan);
  const { labels, platforms } = requirements;
  if (labels === undefined && platforms === undefined) return;
  const runnable = images.filter(({ hasFiles }) => hasFiles);
  const missing = missingPlatforms(platforms ?? [], runnable);
  // Descriptors need not name a platform: then the config does.
  const wanted = labels ? images : missing.length > 0 ? runnable.filter((one) => !namesPlatform(one)) : [];
  const configs = await inParallel(
    wanted,
    configsAtOnce,
    async (image, signal) => ({ ...image, config: await readConfig(source, image.manifest, { signal }) }),
    options.signal,
  );
  checkPlatforms(
    check,
    runnable,
    configs.filter(({ hasFiles }) => hasFiles),
    missing,
  );
  checkLabels(check, configs);
}

type ImageWithConfig = RunnableImage & { config: ReadConfig };

function checkSize({ requirements: { maxBytes }, plan: { sizeBytes }, ...check }: ContentToCheck): void {
  if (maxBytes === undefined || sizeBytes <= maxBytes) return;
  throw refused('too_large', check, {
    detail: `it has ${sizeBytes} bytes, more than the ${maxBytes} that its rule allows`,
    remedy: 'raise require.maxBytes',
  });
}

function checkAnnotations({ requirements: { annotations }, plan: { root }, ...check }: ContentToCheck): void {
  for (const [name, value] of Object.entries(annotations ?? {})) {
    const all = root.annotations ?? {};
    const actual = Object.hasOwn(all, name) ? all[name] : undefined;
    if (actual === value) continue;
    throw refused('annotation_mismatch', check, {
      detail: `the annotation ${name} of its ${root.kind === 'index' ? 'index' : 'manifest'} must be ${JSON.stringify(value)}, but ${foundText(actual)}`,
      remedy: 'change require.annotations',
    });
  }
}

/** The platforms that no descriptor names. */
function missingPlatforms(platforms: string[], images: RunnableImage[]): string[] {
  const named = images.flatMap((image) => image.platforms);
  return platforms.filter((name) => !has(named, name));
}

function namesPlatform({ platforms }: RunnableImage): boolean {
  return platforms.some(({ os, architecture }) => os !== '' && architecture !== '');
}

function has(platforms: Platform[], wanted: string): boolean {
  return platforms.some((one) => platformMatches(parsePlatform(wanted), one));
}

function checkPlatforms(
  { requirements: _, ...check }: ContentToCheck,
  images: RunnableImage[],
  configs: ImageWithConfig[],
  missing: string[],
): void {
  const ofConfigs = configs.flatMap((one) =>
    !namesPlatform(one) && one.config.kind === 'read' ? (one.config.platform ?? []) : [],
  );
  const absent = missing.filter((name) => !has(ofConfigs, name));
  if (absent.length === 0) return;
  const there = [...images.flatMap(({ platforms }) => platforms), ...ofConfigs].map((platform) =>
    plainText(formatPlatform(platform), maxShown),
  );
  const named = [...new Set(there)];
  const more = named.length > mostNamed ? ` and ${named.length - mostNamed} more` : '';
  throw refused('platform_missing', check, {
    detail: `it has no image for ${absent.join(', ')}, which its rule requires; it has ${named.slice(0, mostNamed).join(', ') || 'none'}${more}`,
    remedy: 'take the platform out of require.platforms',
  });
}

function checkLabels(
  { requirements: { labels }, plan, ...check }: ContentToCheck,
  images: ImageWithConfig[],
): void {
  if (labels === undefined) return;
  const remedy = 'change require.labels';
  const [name = ''] = Object.keys(labels);
  if (images.length === 0 || unknownManifests(plan).length > 0)
    throw refused('label_mismatch', check, {
      detail: `it contains something other than container images, so it has no label ${name}, which its rule requires`,
      remedy,
    });
  for (const { manifest, config } of images) {
    const where = plan.root.digest === manifest.digest ? '' : ` of ${manifest.digest}`;
    if (config.kind === 'unreadable')
      throw refused('label_mismatch', check, {
        detail: `the label ${name}${where}, which its rule requires, can't be read: ${plainText(config.reason, 2 * maxShown)}`,
        remedy,
      });
    for (const [label, value] of Object.entries(labels)) {
      const actual = config.labels.get(label);
      if (actual === value) continue;
      throw refused('label_mismatch', check, {
        detail: `the label ${label}${where} must be ${JSON.stringify(value)}, but ${foundText(actual)}`,
        remedy,
      });
    }
  }
}

function foundText(actual: string | undefined): string {
  return actual === undefined ? 'there is none' : `it is ${JSON.stringify(plainText(actual, maxShown))}`;
}

function refused(
  code: RefusalCode,
  { image, match }: Pick<ContentToCheck, 'image' | 'match'>,
  { detail, remedy }: { detail: string; remedy: string },
): ContentRefused {
  return new ContentRefused(code, {
    image,
    detail,
    remedy: `${remedy} of the rule ${match} in mirror.yaml if the image is as intended; otherwise ask the publisher`,
  });
}

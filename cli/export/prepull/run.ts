import { type PrepullGroup, prepullDaemonSets } from '../../../core/exports/manifests/prepull.ts';
import { prepullJobs } from '../../../core/exports/manifests/prepull-kruise.ts';
import { prepulledImages } from '../../../core/exports/manifests/prepulled-images.ts';
import { parsePlatform } from '../../../core/oci/platform.ts';
import { MappingList } from '../../mapping/look-up.ts';
import { CommandError } from '../../shared/command-error.ts';
import { printOrWrite } from '../../shared/print-or-write.ts';
import { UsageError } from '../../shared/usage-error.ts';
import { type MappingFlags, mappingsOf } from '../mappings.ts';

/** The options of `drayage export prepull`. */
export interface PrepullFlags extends MappingFlags {
  /** Seconds. */
  since?: number;
  limit?: number;
  platform?: string[];
  nodeSelector?: Record<string, string>;
  namespace?: string;
  kruise?: boolean;
  helperImage?: string;
  output?: string;
}

const daySeconds = 24 * 60 * 60;
/** Its busybox is static: https://hub.docker.com/_/busybox */
const usualHelper = 'docker.io/library/busybox:1.37.0-musl';

/** `drayage export prepull` */
export async function runPrepull(flags: PrepullFlags): Promise<void> {
  const { since = daySeconds, limit = 20, platform = ['linux/amd64', 'linux/arm64'] } = flags;
  const { namespace = 'drayage', nodeSelector = {}, helperImage = usualHelper } = flags;
  if (!flags.kruise && platform.some((text) => parsePlatform(text).os !== 'linux'))
    throw new UsageError('the DaemonSets run on Linux only: leave out other platforms, or use --kruise');
  const mappings = await mappingsOf(flags);
  const platforms = new Map(
    platform.map((text) => {
      const { os, architecture } = parsePlatform(text);
      return [`${os}/${architecture}`, { os, architecture }];
    }),
  );
  const from = Date.now() - since * 1_000;
  const groups = [...platforms.values()]
    .map(
      (each): PrepullGroup => ({
        ...each,
        images: prepulledImages(mappings, { ...each, since: from, limit }),
      }),
    )
    .filter(({ images }) => images.length > 0);
  if (groups.length === 0)
    throw new CommandError(
      `of ${mappings.length} images, none was mirrored in that time for ${[...platforms.keys()].join(' or ')}`,
      'give a longer --since, or another --platform',
    );
  const helper = new MappingList(mappings).find(helperImage)?.pinned ?? helperImage;
  const options = { namespace, nodeSelector };
  const text = flags.kruise
    ? prepullJobs(groups, options)
    : prepullDaemonSets(groups, { ...options, helperImage: helper });
  await printOrWrite(text, flags.output);
}

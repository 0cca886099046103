import { formatReference } from '../../core/oci/reference.ts';
import { monthlyUsd, type StorageCount, type Stored } from '../../core/reconcile/storage.ts';
import type { FoundImages, SyncImage } from '../sync/find-images.ts';
import type { ReadImages } from './read-images.ts';
import type { PlannedRepository, PlanReport, PlanSizes, TagCounts } from './report.ts';

/** What all images come to. */
export function resultsOf(
  found: FoundImages,
  read: ReadImages,
  storage: StorageCount,
): Pick<PlanReport, 'repositories' | 'totals' | 'failures' | 'skipped'> {
  const states = new Map<SyncImage, 'equal' | 'changed' | 'missing'>();
  const imagesOf = new Map<string, number>();
  const failures: PlanReport['failures'] = found.failures.map(({ upstream, rule, repository, error }) => ({
    image: `${upstream.registry}/${repository ?? rule.match}`,
    error,
  }));
  let skipped = 0;
  for (const [image, outcome] of read.tags) {
    if (outcome.outcome === 'failed')
      failures.push({ image: formatReference(image.src), error: outcome.error });
    if (outcome.outcome === 'skipped') skipped += 1;
  }
  for (const [{ tags }, outcome] of read.images) {
    if (outcome.outcome === 'done') {
      const { digest } = outcome.result;
      for (const { image, held } of tags)
        states.set(image, held === undefined ? 'missing' : held === digest ? 'equal' : 'changed');
      const [first] = tags;
      if (first === undefined) continue;
      const { repository } = first.image.dst;
      imagesOf.set(repository, (imagesOf.get(repository) ?? 0) + 1);
    } else if (outcome.outcome === 'failed')
      for (const { image } of tags)
        failures.push({ image: formatReference(image.src), error: outcome.error });
    else skipped += tags.length;
  }
  const countsOf = new Map<string, TagCounts>();
  for (const image of found.images) {
    const counts = countsOf.get(image.dst.repository) ?? noTags(0);
    countsOf.set(image.dst.repository, counts);
    counts.selected += 1;
    counts[states.get(image) ?? 'failed'] += 1;
  }
  const places = new Map(
    found.images.map(({ src, dst }) => [`${src.registry}/${src.repository}`, dst.repository]),
  );
  const repositories = found.repositories.flatMap(
    ({ upstream, rule, repository, tags }): PlannedRepository[] => {
      const name = `${upstream.registry}/${repository}`;
      const place = places.get(name);
      if (place === undefined) return [];
      return [
        {
          repository: name,
          mirrorRepository: place,
          rule: rule.match,
          ...sizes(
            { ...(countsOf.get(place) ?? noTags(0)), listed: tags },
            imagesOf.get(place) ?? 0,
            storage.of(place),
          ),
        },
      ];
    },
  );
  const all = repositories.reduce((sum, { tags }) => added(sum, tags), noTags(0));
  const images = repositories.reduce((sum, each) => sum + each.images, 0);
  const sizeBytes = storage.separateBytes();
  return {
    repositories,
    totals: {
      ...sizes(all, images, storage.shared()),
      separate: { sizeBytes, monthlyUsd: monthlyUsd(sizeBytes) },
    },
    failures,
    skipped,
  };
}

function noTags(listed: number): TagCounts {
  return { listed, selected: 0, equal: 0, changed: 0, missing: 0, failed: 0 };
}

function added(a: TagCounts, b: TagCounts): TagCounts {
  return {
    listed: a.listed + b.listed,
    selected: a.selected + b.selected,
    equal: a.equal + b.equal,
    changed: a.changed + b.changed,
    missing: a.missing + b.missing,
    failed: a.failed + b.failed,
  };
}

function sizes(tags: TagCounts, images: number, { sizeBytes, presentBytes }: Stored): PlanSizes {
  return {
    tags,
    images,
    sizeBytes,
    presentBytes,
    missingBytes: sizeBytes - presentBytes,
    monthlyUsd: monthlyUsd(sizeBytes),
  };
}

import type { Mapping } from '../../core/mapping/record.ts';
import { counted, formatBytes } from '../shared/format.ts';
import type { Cell } from '../terminal/table.ts';
import { bytesOf } from './checks.ts';
import { downloadRate, type Environment } from './environment.ts';
import type { BuiltImage } from './image.ts';
import type { ImageBlob } from './layer.ts';
import type { PulledImage } from './pull-image.ts';
import { indent, type Screen, type Step } from './screen.ts';

/** Where everything is. */
export function describeEnvironment({ upstream, stack }: Environment, step: Step): void {
  const api = new URL(stack.ready.api).host;
  step.rows([
    [dim('upstream'), upstream.host, `plays ghcr.io, each download held to ${formatBytes(downloadRate)}/s`],
    [dim('mirror'), stack.ready.registry, 'behaves like Amazon ECR'],
    [dim('API'), api, 'webhooks, jobs, mappings: the handlers that run on Lambda'],
  ]);
}

/**
 * The columns of an image that are left out on a narrow terminal: the digest, the unpacked size,
 * the files, and what is in it.
 */
const imageLeaveOut = [5, 3, 2, 1];

/** What the image is made of, and which blobs are `changed`, if any. */
export function describeImage(built: BuiltImage, step: Step, changed?: ImageBlob[]): void {
  const ends = ({ descriptor }: ImageBlob, state: Cell): Cell[] => [
    formatBytes(descriptor.size),
    dim(short(descriptor.digest)),
    changed === undefined ? '' : state,
  ];
  const stateOf = (blob: ImageBlob): Cell =>
    changed?.includes(blob) ? { text: 'new', style: 'cyan' } : dim('as before');
  const { config, layers } = built;
  step.rows(
    [
      ['', '', 'files', 'unpacked', 'packed', 'digest'].map(dim),
      ...layers.map((layer): Cell[] => [
        dim(layer.name),
        layer.contents,
        String(layer.files),
        formatBytes(layer.unpackedBytes),
        ...ends(layer, stateOf(layer)),
      ]),
      [dim(config.name), '', '', '', ...ends(config, stateOf(config))],
    ],
    'llrrrll',
    imageLeaveOut,
  );
}

/** What a push had to send, and the digest of the image. */
export function describePush(built: BuiltImage, pushed: ImageBlob[], step: Step): void {
  step.rows([
    [dim('pushed'), namesOf(pushed)],
    [dim('digest'), built.manifest.digest],
  ]);
}

/** How the image was pulled, and that it is the one that was built. */
export function describePull(built: BuiltImage, pulled: PulledImage, step: Step): void {
  const { blobs, redirects, bytes } = pulled;
  const parts = `manifest, config and ${counted(built.layers.length, 'layer')}`;
  step.rows([
    [
      dim('pulled'),
      `${counted(blobs, 'blob')}, ${redirects} of them by redirect as from ECR, without credentials`,
    ],
    [{ text: 'equal', style: 'green' }, `${parts}, ${bytes} bytes, are what was built`],
  ]);
}

/** A mapping as the API returns it, easier to read. */
export function describeJson(mapping: Mapping, screen: Screen): void {
  screen.line(`${indent}${screen.paint('dim', `GET /v1/mappings?image=${mapping.image}`)}`);
  screen.json(mapping);
}

/** The most useful parts of a mapping. */
export function describeMapping({ image, mirror, digest }: Mapping, step: Step): void {
  step.rows([
    [dim('image'), image],
    [dim('mirror'), mirror],
    [dim('digest'), digest],
  ]);
}

/** `2 blobs, 140 kB: application, config` */
export function namesOf(blobs: ImageBlob[]): string {
  if (blobs.length === 0) return 'nothing';
  const names = blobs.map(({ name }) => name).join(', ');
  return `${counted(blobs.length, 'blob')}, ${formatBytes(bytesOf(blobs))}: ${names}`;
}

/** A label. */
export function dim(text: string): Cell {
  return { text, style: 'dim' };
}

/** Enough of a digest to see whether two are the same. */
function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}

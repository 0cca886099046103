import { describe, expect, it } from 'vitest';
import {
  isForeignLayerType,
  isImageManifestType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  manifestAcceptHeader,
  mediaTypes,
} from '../../../core/oci/media-types.ts';

describe('media types', () => {
  it.each([
    { type: mediaTypes.ociManifest, index: false, image: true },
    { type: mediaTypes.dockerManifest, index: false, image: true },
    { type: mediaTypes.ociIndex, index: true, image: false },
    { type: mediaTypes.dockerManifestList, index: true, image: false },
    { type: mediaTypes.ociArtifactManifest, index: false, image: false },
    { type: mediaTypes.dockerSchema1, index: false, image: false },
    { type: mediaTypes.ociConfig, index: false, image: false },
    { type: 'text/html', index: false, image: false },
  ])('$type: index $index, image $image', ({ type, index, image }) => {
    expect(isIndexType(type)).toBe(index);
    expect(isImageManifestType(type)).toBe(image);
    expect(isManifestType(type)).toBe(index || image);
  });

  it('knows both forms of schema 1', () => {
    expect([mediaTypes.dockerSchema1, mediaTypes.dockerSchema1Signed].every(isSchema1Type)).toBe(true);
    expect(isSchema1Type(mediaTypes.dockerManifest)).toBe(false);
  });

  it('accepts all manifests that can be read, and no others', () => {
    const accepted = manifestAcceptHeader.split(', ');
    expect(accepted.toSorted()).toEqual(Object.values(mediaTypes).filter(isManifestType).toSorted());
  });

  it.each([
    [mediaTypes.dockerForeignLayerGzip, true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar', true],
    ['application/vnd.oci.image.layer.nondistributable.v1.tar+gzip', true],
    [mediaTypes.dockerLayerGzip, false],
    [mediaTypes.ociLayerZstd, false],
  ])('%s is foreign: %s', (type, foreign) => {
    expect(isForeignLayerType(type)).toBe(foreign);
  });
});

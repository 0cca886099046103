import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../core/oci/digest.ts';
import { parseLayerMessage } from '../../../lambda/layer/message.ts';

const layer = { mediaType: 'application/x', digest: digestOf(Buffer.from('layer')), size: 7 };
const message = { job: '01000000000000000000000000', layer, layers: [layer] };

describe('a message of the layer queue', () => {
  it('is read as it was sent', () => {
    expect(parseLayerMessage(JSON.stringify(message))).toEqual(message);
    const again = { ...message, invocations: 3 };
    expect(parseLayerMessage(JSON.stringify(again))).toEqual(again);
  });

  it.each([
    ['no digest', { ...message, layer: { ...layer, digest: 'latest' } }, 'layer.digest'],
    ['a negative size', { ...message, layer: { ...layer, size: -1 } }, 'layer.size'],
    ['no layers', { ...message, layers: [] }, 'layers'],
    ['digests alone', { ...message, layers: [layer.digest] }, 'layers[0]'],
    ['no job', { layer, layers: [layer] }, 'job'],
    ['a count of zero', { ...message, invocations: 0 }, 'invocations'],
  ])('is refused with %s, naming the field', (_, wrong, field) => {
    expect(() => parseLayerMessage(JSON.stringify(wrong))).toThrow(field);
    expect(() => parseLayerMessage(JSON.stringify(wrong))).toThrow('the message is not a layer job');
  });

  it('is refused if it is not JSON', () => {
    expect(() => parseLayerMessage('no json')).toThrow(SyntaxError);
  });
});

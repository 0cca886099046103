import { describe, expect, it } from 'vitest';
import { answerWith, endlessBody, pastHttp } from '../../support/hostile-upstream.ts';
import { copyFrom, expectRefused, type HostileCase, image } from './hostile-fixture.ts';

const [layer] = image.layers;
const size = layer?.size ?? 0;
const ofLayer = { operation: 'get blob', reference: layer?.digest };
const otherBytes = Buffer.from(image.blobs.get(layer?.digest ?? 'sha256:') ?? []);
otherBytes.writeUInt8(otherBytes.readUInt8(100) ^ 1, 100);
const chunkedStart = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

const cases: HostileCase[] = [
  ['with other bytes', { layer: answerWith(otherBytes) }, { code: 'DIGEST_INVALID' }],
  ['that never ends', { layer: endlessBody() }, { code: 'SIZE_INVALID', ...ofLayer }],
  [
    'that is announced as longer',
    { layer: endlessBody({ 'content-length': '10000000000' }) },
    { code: 'SIZE_INVALID', ...ofLayer },
  ],
  [
    'that is announced as shorter',
    { layer: answerWith(otherBytes.subarray(1), { 'content-length': String(size - 1) }) },
    { code: 'SIZE_INVALID', ...ofLayer },
  ],
  [
    'that ends early',
    { layer: answerWith(otherBytes.subarray(1), { 'transfer-encoding': 'chunked' }) },
    { code: 'SIZE_INVALID', temporary: true, ...ofLayer },
  ],
  [
    'with endless trailers',
    { layer: pastHttp(`${chunkedStart}0\r\n`, `x-trailer: ${'x'.repeat(4_000)}\r\n`) },
    { code: 'ANSWER_INVALID', ...ofLayer },
  ],
  ['with an endless chunk extension', { layer: pastHttp(`${chunkedStart}1;`, 'x'.repeat(4_000)) }, {}],
  [
    'that stops',
    { layer: (response) => void response.writeHead(200).write('x') },
    { code: 'TIMEOUT', temporary: true, ...ofLayer },
  ],
  [
    'behind a redirect loop',
    { layer: (response, { url = '' }) => response.writeHead(307, { location: url }).end() },
    { code: 'REDIRECT_REFUSED', ...ofLayer },
  ],
  [
    'behind an endless chain of redirects',
    {
      layer: (response) => response.writeHead(307, { location: '/more?1' }).end(),
      first: (response, { url = '' }) =>
        url.startsWith('/more?') && Boolean(response.writeHead(307, { location: `${url}1` }).end()),
    },
    { code: 'REDIRECT_REFUSED', ...ofLayer },
  ],
  [
    'at another address of this network',
    {
      layer: (response) =>
        response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    },
    { code: 'REDIRECT_REFUSED', ...ofLayer },
  ],
  [
    'in a file',
    { layer: (response) => response.writeHead(307, { location: 'file:///etc/passwd' }).end() },
    { code: 'REDIRECT_REFUSED', ...ofLayer },
  ],
  [
    'whose chunks are cut off by a server that closes',
    {
      layer: (_, { socket }) =>
        void socket.end(`${chunkedStart.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n')}3\r\nabc\r\n`),
    },
    { code: 'CONNECTION', temporary: true, ...ofLayer },
  ],
];

describe('a layer', () => {
  it.each(cases)('%s is refused', async (_, options, expected) => {
    await expectRefused(options, expected);
  });

  it('that comes a byte at a time ends when the time of the copy is up', async () => {
    const reason = new Error('the job’s deadline');
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 1_000);
    const { outcome, mirror } = await copyFrom({ layer: endlessBody({}, 40) }, {}, abort.signal);
    expect(outcome).toBe(reason);
    expect(mirror.tags('app')).toEqual([]);
  });
});

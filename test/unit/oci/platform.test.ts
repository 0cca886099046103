import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatPlatform,
  InvalidPlatformError,
  normalizePlatform,
  type Platform,
  parsePlatform,
  platformMatches,
} from '../../../core/oci/platform.ts';

// Always the same cases, so that a failure is reproducible.

describe('parsePlatform', () => {
  it.each<[string, Platform]>([
    ['linux/amd64', { os: 'linux', architecture: 'amd64' }],
    ['linux/x86_64', { os: 'linux', architecture: 'amd64' }],
    ['linux/x86-64', { os: 'linux', architecture: 'amd64' }],
    ['Linux/AMD64', { os: 'linux', architecture: 'amd64' }],
    ['linux/amd64/v3', { os: 'linux', architecture: 'amd64', variant: 'v3' }],
    ['linux/i386', { os: 'linux', architecture: '386' }],
    ['linux/aarch64', { os: 'linux', architecture: 'arm64' }],
    ['linux/arm64/v8', { os: 'linux', architecture: 'arm64', variant: 'v8' }],
    ['linux/arm64/8', { os: 'linux', architecture: 'arm64', variant: 'v8' }],
    ['linux/arm', { os: 'linux', architecture: 'arm' }],
    ['linux/arm/6', { os: 'linux', architecture: 'arm', variant: 'v6' }],
    ['linux/armhf', { os: 'linux', architecture: 'arm', variant: 'v7' }],
    ['linux/armel', { os: 'linux', architecture: 'arm', variant: 'v6' }],
    ['linux/s390x', { os: 'linux', architecture: 's390x' }],
    ['macos/arm64', { os: 'darwin', architecture: 'arm64' }],
    ['unknown/unknown', { os: 'unknown', architecture: 'unknown' }],
    ['windows(10.0.17763)/amd64', { os: 'windows', 'os.version': '10.0.17763', architecture: 'amd64' }],
    [
      'windows(10.0.17763+win32k+a%2Bb)/amd64',
      {
        os: 'windows',
        'os.version': '10.0.17763',
        'os.features': ['win32k', 'a+b'],
        architecture: 'amd64',
      },
    ],
  ])('reads %s', (text, platform) => {
    expect(parsePlatform(text)).toEqual(platform);
  });

  it.each([
    ['', /needs both an os and an architecture/],
    ['linux', /needs both an os and an architecture/],
    ['amd64', /needs both an os and an architecture/],
    ['/amd64', /"" is not an os/],
    ['linux/', /"" has characters other than/],
    ['linux//v8', /"" has characters other than/],
    ['linux/arm/v7/x', /more than three parts/],
    ['*/amd64', /"\*" is not an os/],
    ['linux/*', /"\*" has characters other than/],
    ['linux /amd64', /"linux " is not an os/],
    ['windows(10/amd64', /"windows\(10" is not an os/],
    ['windows(%ff)/amd64', /"%ff" is not percent-encoded UTF-8/],
    [`linux/${'a'.repeat(300)}`, /longer than 255/],
  ])('refuses %j', (text, message) => {
    expect(() => parsePlatform(text)).toThrow(InvalidPlatformError);
    expect(() => parsePlatform(text)).toThrow(message);
    expect(() => parsePlatform(text)).toThrow(/write os\/architecture\[\/variant\], such as linux\/arm64$/);
  });

  it('throws nothing but InvalidPlatformError', () => {
    const likely = fc.string({
      unit: fc.constantFrom('linux', 'arm', '/', '(', ')', '+', '%', '4', 'v', '.', '\n', '*'),
    });
    fc.assert(
      fc.property(fc.oneof(fc.string(), likely), (text) => {
        try {
          const platform = parsePlatform(text);
          expect(parsePlatform(formatPlatform(platform))).toEqual({
            ...platform,
            ...(platform['os.features'] && { 'os.features': platform['os.features'].toSorted() }),
          });
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPlatformError);
        }
      }),
    );
  });
});

describe('formatPlatform', () => {
  it.each<[Platform, string]>([
    [{ os: 'linux', architecture: 'amd64' }, 'linux/amd64'],
    [{ os: 'linux', architecture: 'arm64', variant: 'v8' }, 'linux/arm64/v8'],
    [{ os: 'linux', architecture: 'arm64' }, 'linux/arm64'],
    [{ os: 'unknown', architecture: 'unknown' }, 'unknown/unknown'],
    [{ os: '', architecture: '' }, 'unknown'],
    [
      { os: 'windows', architecture: 'amd64', 'os.version': '10.0.20348.2582' },
      'windows(10.0.20348.2582)/amd64',
    ],
    [
      { os: 'windows', architecture: 'amd64', 'os.features': ['win32k', 'a(b)/%'] },
      'windows(+a%28b%29%2F%25+win32k)/amd64',
    ],
  ])('writes %j as %s', (platform, text) => {
    expect(formatPlatform(platform)).toBe(text);
  });

  it('leaves the order of the features as it was', () => {
    const features = ['b', 'a'];
    formatPlatform({ os: 'windows', architecture: 'amd64', 'os.features': features });
    expect(features).toEqual(['b', 'a']);
  });
});

describe('normalizePlatform', () => {
  it('is idempotent', () => {
    const platforms = fc.record(
      {
        os: fc.constantFrom('linux', 'Windows', 'macOS', ''),
        architecture: fc.constantFrom('x86_64', 'amd64', 'arm', 'armhf', 'armel', 'aarch64', 'arm64', 'i386'),
        variant: fc.constantFrom('', 'v1', 'v2', 'V8', '8', 'v7', '7', 'v6'),
      },
      { requiredKeys: ['os', 'architecture'] },
    );
    fc.assert(
      fc.property(platforms, (platform) => {
        const once = normalizePlatform(platform);
        expect(normalizePlatform(once)).toEqual(once);
        expect(platformMatches(platform, once)).toBe(true);
      }),
    );
  });
});

describe('platformMatches', () => {
  it.each([
    ['linux/arm64', 'linux/arm64/v8'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/aarch64', 'linux/arm64/v8'],
    ['linux/arm', 'linux/arm/v7'],
    ['linux/armhf', 'linux/arm'],
    ['linux/amd64', 'linux/amd64/v1'],
    ['linux/x86_64', 'linux/amd64'],
    ['windows/amd64', 'windows(10.0.20348.2582)/amd64'],
    ['windows(10.0.20348)/amd64', 'windows(10.0.20348.2582)/amd64'],
    ['windows(10.0.20348.2582)/amd64', 'windows(10.0.20348.2582)/amd64'],
    ['windows/amd64', 'windows(+win32k)/amd64'],
    ['windows(+win32k)/amd64', 'windows(+x+win32k)/amd64'],
  ])('%s asks for %s', (wanted, actual) => {
    expect(platformMatches(parsePlatform(wanted), parsePlatform(actual))).toBe(true);
  });

  it.each([
    ['linux/amd64', 'linux/arm64'],
    ['linux/amd64', 'windows/amd64'],
    ['linux/amd64', 'linux/amd64/v3'],
    ['linux/amd64/v3', 'linux/amd64'],
    ['linux/arm', 'linux/arm/v6'],
    ['linux/arm', 'linux/arm64'],
    ['linux/arm64', 'linux/arm64/v9'],
    ['linux/amd64', 'unknown/unknown'],
    ['windows(10.0.2034)/amd64', 'windows(10.0.20348.2582)/amd64'],
    ['windows(10.0.20348)/amd64', 'windows/amd64'],
    ['windows(+win32k)/amd64', 'windows/amd64'],
  ])('%s does not ask for %s', (wanted, actual) => {
    expect(platformMatches(parsePlatform(wanted), parsePlatform(actual))).toBe(false);
  });

  it('treats an empty variant or version as none', () => {
    const sparse = { os: 'linux', architecture: 'arm64', variant: '', 'os.version': '' };
    expect(platformMatches(sparse, parsePlatform('linux/arm64/v8'))).toBe(true);
    expect(platformMatches({ ...sparse, architecture: 'arm' }, parsePlatform('linux/arm/v7'))).toBe(true);
  });
});

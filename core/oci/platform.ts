/**
 * What an image runs on, as described in image-spec's index.
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/image-index.md
 */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
  'os.version'?: string;
  'os.features'?: string[];
}

/** A text is not a platform. The message quotes it and says how to write a platform. */
export class InvalidPlatformError extends Error {
  readonly input: string;
  constructor(input: string, reason: string) {
    const shown = JSON.stringify(input.length > 100 ? `${input.slice(0, 100)}…` : input);
    super(`invalid platform ${shown}: ${reason}; write os/architecture[/variant], such as linux/arm64`);
    this.name = 'InvalidPlatformError';
    this.input = input;
  }
}

/**
 * `os[(version[+feature…])]`, the first component of a specifier: containerd's `osRe`,
 * platforms.go.
 */
const osPattern = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/;

/** The other components of a specifier: containerd's `specifierRe`. */
const componentPattern = /^[A-Za-z0-9_.-]+$/;

/**
 * Reads a platform specifier, `os[(version)]/architecture[/variant]`, as containerd does
 * (https://github.com/containerd/platforms), with one difference: parts that containerd would fill
 * in from the machine it runs on are required. Other names for an architecture become Go's
 * (`x86_64` is `amd64`); the variant stays as written. Throws `InvalidPlatformError`.
 */
export function parsePlatform(text: string): Platform {
  if (text.length > 255) throw new InvalidPlatformError(text, 'it is longer than 255 characters');
  const parts = text.split('/');
  const [osPart = '', architecturePart = '', variantPart] = parts;
  if (parts.length < 2) throw new InvalidPlatformError(text, 'it needs both an os and an architecture');
  if (parts.length > 3) throw new InvalidPlatformError(text, 'it has more than three parts');
  const os = osPattern.exec(osPart);
  if (!os) throw new InvalidPlatformError(text, `${JSON.stringify(osPart)} is not an os`);
  for (const part of parts.slice(1)) {
    if (!componentPattern.test(part)) {
      throw new InvalidPlatformError(
        text,
        `${JSON.stringify(part)} has characters other than letters, digits, _ . -`,
      );
    }
  }
  const [, osName = '', version = '', features = ''] = os;
  const platform: Platform = {
    os: normalizeOs(osName),
    ...canonicalArchitecture(architecturePart, variantPart),
  };
  if (version !== '') platform['os.version'] = decodeOption(text, version);
  if (features !== '') {
    platform['os.features'] = features
      .slice(1)
      .split('+')
      .map((feature) => decodeOption(text, feature));
  }
  return platform;
}

/**
 * Writes a platform as a specifier that `parsePlatform` reads, keeping the variant that the image
 * names: `linux/arm64/v8`, `windows(10.0.20348.2582)/amd64` (containerd's `FormatAll`). A platform
 * without an os is `unknown`.
 */
export function formatPlatform(p: Platform): string {
  if (p.os === '') return 'unknown';
  const options =
    encodeOption(p['os.version'] ?? '') +
    [...(p['os.features'] ?? [])]
      .sort()
      .map((feature) => `+${encodeOption(feature)}`)
      .join('');
  const os = options === '' ? p.os : `${p.os}(${options})`;
  return [os, p.architecture, p.variant].filter((part) => part).join('/');
}

/**
 * The platform in canonical form, in which two names of one platform are equal: os and architecture
 * by Go's names, no variant if it is the usual one (arm64 v8, amd64 v1), and v7 for an arm without
 * a variant.
 */
export function normalizePlatform(p: Platform): Platform {
  const { architecture, variant } = canonicalArchitecture(p.architecture, p.variant);
  const normal: Platform = { ...p, os: normalizeOs(p.os), architecture };
  delete normal.variant;
  if (architecture === 'arm') normal.variant = variant ?? 'v7';
  else if (variant && !(architecture === 'arm64' && variant === 'v8')) {
    if (!(architecture === 'amd64' && variant === 'v1')) normal.variant = variant;
  }
  return normal;
}

/**
 * Whether an image for `actual` matches `wanted`. Os, architecture and variant must be the same
 * after normalisation. A version and features of the os are compared only if `wanted` names them. A
 * shorter version stands for all of its builds: `10.0.17763` matches `10.0.17763.5329`.
 */
export function platformMatches(wanted: Platform, actual: Platform): boolean {
  const want = normalizePlatform(wanted);
  const have = normalizePlatform(actual);
  if (want.os !== have.os || want.architecture !== have.architecture || want.variant !== have.variant) {
    return false;
  }
  const version = want['os.version'];
  const actualVersion = have['os.version'] ?? '';
  if (version && actualVersion !== version && !actualVersion.startsWith(`${version}.`)) return false;
  const features = have['os.features'] ?? [];
  return (want['os.features'] ?? []).every((feature) => features.includes(feature));
}

function normalizeOs(os: string): string {
  const lower = os.toLowerCase();
  return lower === 'macos' ? 'darwin' : lower;
}

/**
 * Go's name of an architecture, and the variant spelled `vN`: containerd's `normalizeArch`,
 * database.go.
 */
function canonicalArchitecture(
  name: string,
  variantName: string | undefined,
): { architecture: string; variant?: string } {
  const architecture = name.toLowerCase();
  const variant = variantName?.toLowerCase();
  const withVariant = (canonical: string, value: string | undefined) =>
    value ? { architecture: canonical, variant: value } : { architecture: canonical };
  switch (architecture) {
    case 'i386':
      return { architecture: '386' };
    case 'x86_64':
    case 'x86-64':
      return withVariant('amd64', variant);
    case 'aarch64':
    case 'arm64':
      return withVariant('arm64', variant === '8' ? 'v8' : variant);
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' };
    case 'armel':
      return { architecture: 'arm', variant: 'v6' };
    case 'arm':
      return withVariant('arm', variant && /^[5-8]$/.test(variant) ? `v${variant}` : variant);
    default:
      return withVariant(architecture, variant);
  }
}

/**
 * Characters that are part of the specifier's own syntax are percent-encoded within a version or a
 * feature.
 */
function encodeOption(value: string): string {
  return value.replace(/[%+()/]/g, encodeURIComponent).replace(/[()]/g, (c) => (c === '(' ? '%28' : '%29'));
}

function decodeOption(text: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    const error = new InvalidPlatformError(text, `${JSON.stringify(value)} is not percent-encoded UTF-8`);
    error.cause = cause;
    throw error;
  }
}

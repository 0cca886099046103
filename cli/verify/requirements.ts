import type { Config, Upstream } from '../../core/config/config.ts';
import type { Verification } from '../../core/config/verification.ts';
import { explain } from '../../core/mirror-yaml/explain.ts';
import { readVerificationFiles, VerificationFileError } from '../../core/mirror-yaml/verification/files.ts';
import { normaliseVerify } from '../../core/mirror-yaml/verification/normalise.ts';
import { verifySchema } from '../../core/mirror-yaml/verification/schema.ts';
import { formatReference, type Reference } from '../../core/oci/reference.ts';
import { selectImage } from '../../core/policy/select-image.ts';
import { CommandError } from '../shared/command-error.ts';
import { readConfig } from '../shared/read-config.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { VerifyFlags } from './flags.ts';

/** What an image must be signed with, and what requires it. */
export interface Required {
  verification: Verification;
  /** `the rule library/* in mirror.yaml`, or the options. */
  by: string;
  /** The configuration, with only the upstream whose rule it is; absent if options require it. */
  config?: Config & { upstreams: [Upstream] };
}

/**
 * What the options require or, without any, the rule of the configuration that applies to the
 * image.
 *
 * @throws UsageError for options that make no requirement; CommandError if there is no rule, or one
 *   that verifies nothing
 */
export function requiredOf(image: Reference, flags: VerifyFlags): Required {
  const { key, issuer, identity, trustedRoot, type } = flags;
  const isGiven = [key, issuer, identity, trustedRoot, type].some((value) => value !== undefined);
  return isGiven ? { verification: ofOptions(flags), by: 'the options' } : ofRule(image, flags.config);
}

function ofOptions({ key, issuer, identity, trustedRoot, type }: VerifyFlags): Verification {
  const keyless =
    issuer === undefined && identity === undefined
      ? undefined
      : { issuer: match(issuer), identity: match(identity) };
  const authority = {
    ...(key !== undefined && { key }),
    ...(keyless && { keyless }),
    ...(trustedRoot !== undefined && { trustedRoot }),
  };
  const written = type === undefined ? { cosign: authority } : { attestation: { type, ...authority } };
  const read = verifySchema.safeParse(written);
  if (!read.success) {
    const findings = explain(read.error.issues, verifySchema, written, [], () => undefined);
    throw new UsageError(findings.map(({ path, message }) => `${optionAt(path)}${message}`).join('; '));
  }
  try {
    return readVerificationFiles(normaliseVerify(read.data), '.');
  } catch (error) {
    if (error instanceof VerificationFileError) throw new UsageError(error.message);
    throw error;
  }
}

/** In options, a `*` makes a pattern. */
function match(text: string | undefined): unknown {
  return text?.includes('*') ? { pattern: text } : text;
}

function optionAt(path: readonly (string | number)[]): string {
  const name = path.findLast((part) => part !== 'pattern' && part !== 'cosign' && part !== 'attestation');
  if (name === undefined || name === 'keyless') return '';
  return `--${name === 'trustedRoot' ? 'trusted-root' : name} `;
}

function ofRule(image: Reference, file: string): Required {
  const config = readConfig(file);
  const name = formatReference(image);
  const selection = selectImage(config, image);
  if (!selection.mirrored)
    throw new CommandError(
      `${name}: no rule in ${file} applies to it (${selection.reason})`,
      'name another file with --config, or say who must have signed: --key FILE, or --issuer and --identity',
    );
  const { upstream, rule } = selection;
  if (rule.verify === undefined)
    throw new CommandError(
      `${name}: the rule ${rule.match} in ${file} requires no signature`,
      'add `verify` to the rule, or say who must have signed: --key FILE, or --issuer and --identity',
    );
  return {
    verification: rule.verify,
    by: `the rule ${rule.match} in ${file}`,
    config: { ...config, upstreams: [upstream] },
  };
}

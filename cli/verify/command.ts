import { Command } from 'commander';
import { addPlatform } from '../shared/add-platform.ts';
import { parseReferenceArgument } from '../shared/parse-image.ts';
import { UsageError } from '../shared/usage-error.ts';
import type { VerifyFlags } from './flags.ts';
import { verifyHelp } from './help.ts';

/** `drayage verify REF`: whether an image is signed as it must be. */
export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      'Verify that an image is signed as its rule in mirror.yaml requires, or as the options require.',
    )
    .argument('<image>', 'image to verify: registry/repository:tag or @digest', parseReferenceArgument)
    .option('--config <file>', 'the configuration with the image’s rule', 'mirror.yaml')
    .option('--platform <os/arch>', 'verify the manifest of this platform instead of its index', addPlatform)
    .option('--json', 'print the result as one JSON object')
    .optionsGroup('Instead of a rule:')
    .option('--key <file>', 'a file with a public key in PEM form, or awskms:///ARN')
    .option('--issuer <url>', 'the issuer of a keyless signature’s certificate; * matches any characters')
    .option('--identity <identity>', 'the identity that the certificate is for; * matches any characters')
    .option('--trusted-root <file>', 'the trusted root (default: that of Sigstore’s public instance)')
    .option(
      '--type <type>',
      'verify an attestation of this type instead of a signature: a URI, or a name such as slsaprovenance1',
    )
    .optionsGroup('Registries:')
    .option('--plain-http', 'speak HTTP instead of HTTPS')
    .option('--ca-file <file>', 'also trust the certificate authorities in this PEM file')
    .addHelpText('after', verifyHelp);
  return command.action(async (image, flags: VerifyFlags) => {
    // Loaded only here: the verifier would slow every other command's start.
    const { runVerify } = await import('./run.ts');
    try {
      await runVerify(image, flags);
    } catch (error) {
      if (error instanceof UsageError) command.error(`error: ${error.message}`);
      throw error;
    }
  });
}

import { Command } from 'commander';
import type { Config, Upstream } from '../../core/config/config.ts';
import { counted } from '../shared/format.ts';

interface ValidateOptions {
  config: string;
  json?: boolean;
}

const help = `
A configuration names the regions of the mirror and, for each upstream registry, the repositories
that are mirrored. The least that mirrors something is:

  version: 1
  mirror:
    regions: [eu-west-1]
  upstreams:
    - registry: docker.io
      webhook: { source: dockerhub }
      repositories:
        - match: library/nginx         # * and ? within a path component, ** across them
          tags: { include: ["1.*"] }

All errors are reported at once, as FILE:LINE:COLUMN PATH: what is wrong and what to write instead. Keys that
cdk synth refuses in this version cause a warning. drayage init writes a first file, drayage schema prints one for editors.
Exit codes: 0 valid, 1 not, 2 wrong usage.

Examples:
  drayage validate
  drayage validate --config staging.yaml
  drayage validate --json | jq .config       the configuration with all defaults filled in
`;

/** `drayage validate`: checks mirror.yaml offline, without network or AWS account. */
export function validateCommand(): Command {
  return new Command('validate')
    .description('Check mirror.yaml, and report every error with its line.')
    .option('--config <file>', 'the configuration to check', 'mirror.yaml')
    .option('--json', 'write the result to stdout as JSON: {valid, config, warnings} or {valid, errors}')
    .addHelpText('after', help)
    .action((options: ValidateOptions) => validate(options));
}

async function validate({ config: file, json }: ValidateOptions): Promise<void> {
  // Loaded only here: the schema would slow every other command's start.
  const { formatConfigError, InvalidConfigError, loadConfigWithWarnings } = await import(
    '../../core/mirror-yaml/load.ts'
  );
  const { proseWidth, wrapped } = await import('../terminal/wrap.ts');
  const fold = (line: string) => wrapped('', line, proseWidth(process.stdout));
  try {
    const { config, warnings } = loadConfigWithWarnings(file);
    for (const warning of warnings) process.stderr.write(`warning: ${formatConfigError(file, warning)}\n`);
    process.stdout.write(
      json ? `${JSON.stringify({ valid: true, file, config, warnings })}\n` : summary(file, config, fold),
    );
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error;
    process.stderr.write(error.errors.map((each) => `${formatConfigError(file, each)}\n`).join(''));
    if (json) process.stdout.write(`${JSON.stringify({ valid: false, file, errors: error.errors })}\n`);
    process.exitCode = 1;
  }
}

/** @param fold wraps a line for the terminal */
function summary(file: string, config: Config, fold: (line: string) => string[]): string {
  const rules = config.upstreams.reduce((sum, { repositories }) => sum + repositories.length, 0);
  const { regions, repositoryPrefix } = config.mirror;
  const width = Math.max(0, ...config.upstreams.map(({ registry }) => registry.length));
  const all = `${file} is valid: ${counted(config.upstreams.length, 'upstream')}, ${counted(rules, 'rule')}, mirrored to ${regions.join(', ')} under ${repositoryPrefix}/`;
  return [
    ...fold(all),
    ...config.upstreams.map((upstream) => `  ${upstream.registry.padEnd(width)}  ${describe(upstream)}`),
    '',
  ].join('\n');
}

function describe({ repositories, webhooks }: Upstream): string {
  const names = webhooks.map(({ name, source }) => `webhook ${name} (${source})`);
  const told = names.length === 0 ? 'no webhook' : names.join(', ');
  return `${counted(repositories.length, 'rule')}, ${told}`;
}

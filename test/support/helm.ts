import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from './find-program.ts';

const run = promisify(execFile);

/** The Helm releases that the chart and the post-renderers are for. */
export const helmMajors = [3, 4] as const;

/** Runs a Helm. @throws Error if it is not there or fails, with what it wrote */
export type Helm = (args: string[], env?: NodeJS.ProcessEnv) => Promise<string>;

/** Helm of a major version, as `.ci/run` builds it. */
export function openHelm(major: (typeof helmMajors)[number]): Helm {
  const variable = `DRAYAGE_HELM${major}`;
  const program = findProgram({
    title: `Helm ${major}`,
    name: `helm${major}`,
    variable,
    remedy: `go install helm.sh/helm/v${major}/cmd/helm@latest, and set ${variable} to the program`,
  });
  return async (args, env = {}) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 16 * 1024 * 1024 };
    try {
      return (await run(program, args, options)).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`helm ${args.join(' ')} failed: ${stdout}${stderr}`);
    }
  };
}

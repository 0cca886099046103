import { parseArgs } from 'node:util';
import type { GiteaProgram } from './start-gitea.ts';

/** Reads `--gitea`, `--static` and `--save`; exits if the program is not named. */
export function programFromArguments(): { program: GiteaProgram; save: boolean } {
  const { values } = parseArgs({
    options: { gitea: { type: 'string' }, static: { type: 'string' }, save: { type: 'boolean' } },
  });
  if (values.gitea === undefined || values.static === undefined) {
    process.stderr.write(
      '--gitea BINARY and --static FOLDER are needed: the program, and the folder of its source\n',
    );
    process.exit(2);
  }
  return { program: { binary: values.gitea, staticRoot: values.static }, save: values.save ?? false };
}

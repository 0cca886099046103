import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type JsonItem, readJsonValues } from '../../core/discover/json-values.ts';
import { plainText } from '../../core/oci/plain-text.ts';
import { CommandError } from '../shared/command-error.ts';

/** Which cluster kubectl asks. */
export interface ClusterChoice {
  kubeconfig?: string | undefined;
  context?: string | undefined;
}

/**
 * What `kubectl get WHAT -o json` prints, object by object.
 *
 * @throws CommandError if kubectl is missing or fails
 */
export async function* kubectlGet(what: readonly string[], choice: ClusterChoice): AsyncGenerator<JsonItem> {
  const where = [
    ...(choice.kubeconfig === undefined ? [] : ['--kubeconfig', choice.kubeconfig]),
    ...(choice.context === undefined ? [] : ['--context', choice.context]),
  ];
  const args = [...where, 'get', ...what, '-o', 'json'];
  const child = spawn('kubectl', args, { stdio: ['inherit', 'pipe', 'pipe'] });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    told = `${told}${text}`.slice(-2_000);
  });
  const closed = once(child, 'close').then(
    ([code]) => ({ code: code as number | null }),
    (error: NodeJS.ErrnoException) => ({ error }),
  );
  try {
    yield* readJsonValues(child.stdout);
  } catch (error) {
    // What kubectl says about it tells more than where its output ends.
    const end = await closed;
    if ('code' in end && end.code === 0) throw error;
  }
  const end = await closed;
  if ('error' in end)
    throw new CommandError(
      end.error.code === 'ENOENT'
        ? 'kubectl is not on the PATH'
        : `kubectl can’t be run: ${end.error.message}`,
      'install it, or pipe its output from where it is: kubectl get pods -A -o json | drayage discover',
    );
  if (end.code !== 0)
    throw new CommandError(
      `kubectl ${args.join(' ')} ended with ${end.code}: ${plainText(told, 1_000) || 'it does not say why'}`,
      'check --kubeconfig and --context: kubectl config get-contexts',
    );
}

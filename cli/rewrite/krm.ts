import { rewrite } from '../../core/rewrite/edits.ts';
import { type FunctionResult, ResourceList } from '../../core/rewrite/resource-list.ts';
import { CommandError } from '../shared/command-error.ts';
import type { RewriteSettings } from './flags.ts';
import { settingsOf } from './plugin-config.ts';
import type { Report, Rewritten } from './report.ts';

/** A function of kustomize and kpt: a ResourceList comes in, and goes out with results. */
export interface RewriteFunction {
  /** What `functionConfig` sets. */
  settings: RewriteSettings;
  /** The list as it goes out: unchanged but for its results if the rewriting is refused. */
  print(all: readonly Rewritten[], report: Report, isRefused: boolean): string;
}

/** @throws CommandError if the text is not a ResourceList */
export function openFunction(text: string): RewriteFunction {
  let list: ResourceList;
  try {
    list = new ResourceList(text);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError(`--krm: ${error.message}`, 'without --krm, standard input is plain YAML');
  }
  return {
    settings: settingsOf(list.functionConfig, 'functionConfig'),
    print(all, report, isRefused) {
      const results = list.withResults(resultsOf(report, isRefused ? 'error' : 'warning'));
      const edits = isRefused ? [] : all.flatMap(({ pointed }) => pointed.edits);
      return rewrite(text, [...edits, ...results]);
    },
  };
}

function resultsOf({ missing, leftAlone }: Report, severity: 'error' | 'warning'): FunctionResult[] {
  return [
    ...missing.flatMap(({ image, at }) =>
      at.map(({ resource }) => ({
        message: `${image} is not mirrored`,
        severity,
        ...(resource && { resourceRef: resource }),
      })),
    ),
    ...leftAlone.map(({ text, why, reason, resource }) => ({
      message: `${JSON.stringify(text)} stays as it is: ${reason}`,
      severity: why === 'invalid' ? severity : ('info' as const),
      ...(resource && { resourceRef: resource }),
    })),
  ];
}

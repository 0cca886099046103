import type { EcrSettingsKeeper, KeepOptions } from '../../core/aws/ecr/settings/keeper.ts';
import type { KeptSettings } from '../../core/repository-settings/settings.ts';
import { logger } from './telemetry.ts';

/** Logs what became of a repository's settings; nothing if they were right. */
export function tellSettings({ repository, changed, differs, failed }: KeptSettings): void {
  if (changed.length > 0) logger.info('settings of a repository were put right', { repository, changed });
  for (const text of differs) logger.warn(`${repository}: ${text}`, { repository });
  for (const { setting, error } of failed)
    logger.warn('a setting of a repository could not be put right', {
      repository,
      setting,
      error: error as Error,
    });
}

/** Puts the settings of a repository right; what fails is logged, and fails nothing else. */
export async function keepInLine(
  keeper: () => EcrSettingsKeeper,
  repository: string,
  options: KeepOptions,
): Promise<void> {
  try {
    await keeper().keepInLine(repository, options);
  } catch (error) {
    logger.warn('the settings of a repository were not looked at', { repository, error: error as Error });
  }
}

import { DynamoDayCounts } from '../../core/aws/dynamodb/savings/day-counts.ts';
import { EcrSettingsKeeper } from '../../core/aws/ecr/settings/keeper.ts';
import type { MirrorJobDependencies } from '../../core/jobs/dependencies.ts';
import type { DayCounts } from '../../core/jobs/savings/counts.ts';
import { CopyDeployment } from '../shared/copy-deployment.ts';
import { keepInLine, tellSettings } from '../shared/settings.ts';

/** What the mirror function works with. */
export class MirrorDeployment extends CopyDeployment {
  /** Keeps the settings of the mirror's repositories. */
  get settings(): EcrSettingsKeeper {
    return this.once('settings', () => {
      const { region, config } = this;
      return new EcrSettingsKeeper(config.mirror.repository, { client: { region }, report: tellSettings });
    });
  }

  /** For jobs: a repository whose settings can't be put right still gets its images. */
  get keepInLine(): NonNullable<MirrorJobDependencies['keepInLine']> {
    return (repository, options) => keepInLine(() => this.settings, repository, options);
  }

  /** What was mirrored, by day. */
  get dayCounts(): Pick<DayCounts, 'add'> {
    return this.once('dayCounts', () => new DynamoDayCounts(this.table));
  }

  protected override onCreated(repository: string): void {
    this.settings.forget(repository);
  }
}

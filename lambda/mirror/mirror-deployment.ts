import { DynamoAwaitedSignatures } from '../../core/aws/dynamodb/mappings/awaited-signatures.ts';
import { DynamoScanWaits } from '../../core/aws/dynamodb/requirements/scan-waits.ts';
import { DynamoSeenDigests } from '../../core/aws/dynamodb/requirements/seen-digests.ts';
import { DynamoDayCounts } from '../../core/aws/dynamodb/savings/day-counts.ts';
import { EcrImageScans } from '../../core/aws/ecr/scans/image-scans.ts';
import { EcrSettingsKeeper } from '../../core/aws/ecr/settings/keeper.ts';
import type { MirrorJobDependencies } from '../../core/jobs/dependencies.ts';
import type { AwaitedSignatures } from '../../core/jobs/ports.ts';
import type { RequirementPorts } from '../../core/jobs/requirements/ports.ts';
import type { DayCounts } from '../../core/jobs/savings/counts.ts';
import type { VerifyImage } from '../../core/verify/verdict.ts';
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

  /** For rules that ask for an age or a scan. */
  get requirements(): RequirementPorts {
    return this.once('requirements', () => ({
      seen: new DynamoSeenDigests(this.table),
      waits: new DynamoScanWaits(this.table),
      scans: new EcrImageScans({ region: this.region }),
    }));
  }

  /**
   * Keys of AWS KMS are read once for many images. Only rules with `verify` need it, so the
   * Sigstore libraries and the KMS client are not evaluated before the first image of one.
   */
  get verifyImage(): VerifyImage {
    return async (image, options) => {
      const verify = await this.once('verifyImage', loadVerifier);
      return await verify(image, options);
    };
  }

  get awaitedSignatures(): AwaitedSignatures {
    return this.once('awaitedSignatures', () => new DynamoAwaitedSignatures(this.table));
  }

  protected override onCreated(repository: string): void {
    this.settings.forget(repository);
  }
}

async function loadVerifier(): Promise<VerifyImage> {
  const [{ imageVerifier }, { KmsKeys }] = await Promise.all([
    import('../../core/verify/verify-image.ts'),
    import('../../core/aws/kms.ts'),
  ]);
  return imageVerifier(new KmsKeys());
}

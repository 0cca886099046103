import type { ECRClient } from '@aws-sdk/client-ecr';
import type { MirrorConfig } from '../../config/config.ts';
import type { CheckpointStore } from '../../copy/blob/checkpoints.ts';
import type { EcrSessions } from './session.ts';

/** What a repository needs from its registry. */
export interface EcrAccess {
  ecr: ECRClient;
  sessions: EcrSessions;
  settings: MirrorConfig['repository'];
  /** Where uploads in parts are recorded; without it, there are none. */
  checkpoints?: CheckpointStore | undefined;
  /** Is told the name of each repository that was created. */
  onCreated?: ((repositoryName: string) => void) | undefined;
}

/** The two names of a repository. */
export interface EcrName {
  /** `host/repository`, for messages. */
  name: string;
  /** As the API expects it. */
  repositoryName: string;
}

/** The settings of a mirror repository that are kept as mirror.yaml has them. */
export type SettingName = 'scanOnPush' | 'immutableTags' | 'pulls' | 'lifecycle' | 'tags';

/** Which tags may not move, in ECR's words. */
export interface TagMutability {
  setting: string;
  /** Patterns for tags to which the opposite applies. */
  except: string[];
}

/** A repository's settings, as ECR tells them. */
export interface FoundSettings {
  arn: string;
  scanOnPush: boolean;
  mutability: TagMutability;
  encryption: { type: string; kmsKey?: string | undefined };
  /** Absent: the repository has none. */
  repositoryPolicy?: string | undefined;
  /** Absent: the repository has none. */
  lifecyclePolicy?: string | undefined;
  /** Empty if they were not read, since none are configured. */
  tags: Record<string, string>;
}

/** What is to be changed; a policy that is absent is to be deleted. */
export type SettingChange =
  | { setting: 'scanOnPush'; scanOnPush: boolean }
  | { setting: 'immutableTags'; mutability: TagMutability }
  | { setting: 'pulls' | 'lifecycle'; policy?: string | undefined }
  | { setting: 'tags'; tags: Record<string, string> };

/** What became of a repository's settings. */
export interface KeptSettings {
  repository: string;
  /** Whether there is such a repository; if not, nothing was done. */
  exists: boolean;
  /** What was changed, or would be. */
  changed: SettingName[];
  /** What differs and can't be changed, in sentences. */
  differs: string[];
  /** What could not be read or changed. */
  failed: { setting: SettingName | 'all'; error: unknown }[];
}

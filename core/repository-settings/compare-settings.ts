import type { RepositorySettings } from '../config/config.ts';
import { lifecycleChange } from './lifecycle-policy.ts';
import { type PolicyChange, pullPolicyChange } from './pull-policy.ts';
import type { FoundSettings, SettingChange, TagMutability } from './settings.ts';

/** How a repository differs from mirror.yaml. */
export interface SettingDifferences {
  changes: SettingChange[];
  /** What can't be changed, in sentences. */
  unchangeable: string[];
}

/** Compares a repository with the settings that it should have. */
export function compareSettings(found: FoundSettings, wanted: RepositorySettings): SettingDifferences {
  const changes: SettingChange[] = [];
  const unchangeable: string[] = [];
  if (found.scanOnPush !== wanted.scanOnPush)
    changes.push({ setting: 'scanOnPush', scanOnPush: wanted.scanOnPush });
  const mutability = wantedMutability(wanted.immutableTags);
  if (!isSameMutability(found.mutability, mutability)) changes.push({ setting: 'immutableTags', mutability });
  const addPolicy = (setting: 'pulls' | 'lifecycle', change: PolicyChange) => {
    if (change === undefined) return;
    if ('unreadable' in change) unchangeable.push(change.unreadable);
    else changes.push({ setting, ...change });
  };
  addPolicy('pulls', pullPolicyChange(found.repositoryPolicy, wanted, found.arn));
  addPolicy('lifecycle', lifecycleChange(found.lifecyclePolicy, wanted.lifecycle));
  const tags = Object.entries(wanted.tags ?? {}).filter(([key, value]) => found.tags[key] !== value);
  if (tags.length > 0) changes.push({ setting: 'tags', tags: Object.fromEntries(tags) });
  const encryption = encryptionDifference(found.encryption, wanted.encryption);
  if (encryption !== undefined) unchangeable.push(encryption);
  return { changes, unchangeable };
}

/** The setting in ECR's words. */
export function wantedMutability(immutable: RepositorySettings['immutableTags']): TagMutability {
  if (typeof immutable === 'object') return { setting: 'IMMUTABLE_WITH_EXCLUSION', except: immutable.except };
  return { setting: immutable ? 'IMMUTABLE' : 'MUTABLE', except: [] };
}

function isSameMutability(found: TagMutability, wanted: TagMutability): boolean {
  const patterns = ({ except }: TagMutability) => JSON.stringify([...new Set(except)].toSorted());
  return found.setting === wanted.setting && patterns(found) === patterns(wanted);
}

/**
 * ECR can't change the encryption of a repository. It tells the key by its ARN: an alias can't be
 * compared, since only KMS knows which key it names.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/encryption-at-rest.html
 */
function encryptionDifference(
  found: FoundSettings['encryption'],
  wanted: RepositorySettings['encryption'],
): string | undefined {
  const remedy =
    'ECR can’t change that: delete the repository and mirror its images again, or leave it as it is';
  if (found.type !== wanted.type)
    return `it is encrypted with ${found.type}, and mirror.repository.encryption asks for ${wanted.type}; ${remedy}`;
  if (wanted.type !== 'KMS' || found.kmsKey === undefined) return undefined;
  const key = keyId(wanted.kmsKey);
  if (key === undefined || keyId(found.kmsKey) === undefined || keyId(found.kmsKey) === key) return undefined;
  return `it is encrypted with the key ${found.kmsKey}, and mirror.repository.encryption asks for ${wanted.kmsKey}; ${remedy}`;
}

/** The ID at the end of a key's ARN, or alone; undefined for an alias. */
function keyId(key: string): string | undefined {
  if (/^(?:arn:[^/]*:)?alias\//.test(key)) return undefined;
  return key.split('/').at(-1);
}

/** Where images go: a registry, and what repositories begin with there. */
export interface Place {
  registry: string;
  /** Absent: that of the configuration. */
  prefix?: string;
}

/** The options of `drayage sync`, as they are parsed. */
export interface SyncFlags {
  config: string;
  /** Absent: the ECR registry of the first region, in the account of the AWS credentials. */
  to?: Place;
  dryRun: boolean;
  json: boolean;
  /** A file that says where the copies are. */
  mapping?: string;
  /** How many images are copied at once; by default as many as the registries take. */
  parallel?: number;
  /** A file with the logins that the configuration names; absent: those of this user. */
  secrets?: string;
  /** HTTP instead of HTTPS with the destination. */
  dstPlainHttp: boolean;
  /** A file with additional certificate authorities. */
  caFile?: string;
}

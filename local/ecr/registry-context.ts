import type { AccessControl } from './access.ts';
import type { Catalog } from './catalog.ts';
import type { EcrPassword } from './ecr-password.ts';
import type { LayerLinks } from './layer-links.ts';
import type { TokenIssuer } from './token-issuer.ts';
import type { UploadSessions } from './upload-sessions.ts';

/**
 * Whose behaviour a registry has: Amazon ECR's, or that of a plain one after the OCI distribution
 * specification.
 */
export type Flavour = 'ecr' | 'distribution';

/** What the handlers of both protocols work with. */
export interface RegistryContext {
  flavour: Flavour;
  catalog: Catalog;
  uploads: UploadSessions;
  access: AccessControl;
  links: LayerLinks;
  /** ECR's authorization token. */
  password: EcrPassword;
  /** The token service, where there is one. */
  issuer: TokenIssuer | undefined;
  region: string;
  accountId: string;
  /** 127.0.0.1:PORT */
  host: string;
}

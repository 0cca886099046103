import type { AccessControl } from './access.ts';
import type { Catalog } from './catalog.ts';
import type { EcrPassword } from './ecr-password.ts';
import type { EventSink } from './events.ts';
import type { ImageScans } from './image-scans.ts';
import type { LayerLinks } from './layer-links.ts';
import type { TokenIssuer } from './token-issuer.ts';
import type { UploadSessions } from './upload-sessions.ts';

/**
 * The behaviour of a registry: Amazon ECR's, or that of a plain registry by the OCI distribution
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
  scans: ImageScans;
  /** ECR's authorization token. */
  password: EcrPassword;
  /** The token service, if there is one. */
  issuer: TokenIssuer | undefined;
  region: string;
  accountId: string;
  /** 127.0.0.1:PORT */
  host: string;
  /** Takes ECR's events. */
  emit: EventSink;
}

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Digest } from '../../core/oci/digest.ts';
import { type AccessControl, basicAccess, ecrAccess, openAccess, tokenAccess } from './access.ts';
import { Catalog } from './catalog.ts';
import { EcrPassword } from './ecr-password.ts';
import { type EventSink, tellImageScan } from './events.ts';
import { FaultSwitches } from './faults.ts';
import { ImageScans } from './image-scans.ts';
import { LayerLinks } from './layer-links.ts';
import type { Flavour, RegistryContext } from './registry-context.ts';
import { type ListenerOptions, requestListener } from './request-listener.ts';
import { RequestLog, type RequestRecord } from './requests.ts';
import { diskStorage } from './storage/disk-storage.ts';
import { memoryStorage } from './storage/memory-storage.ts';
import { TokenIssuer, type TokenOptions } from './token-issuer.ts';
import { UploadSessions } from './upload-sessions.ts';

export type { EventSink, RegistryEvent } from './events.ts';
export type { Fault, FaultAction, FaultMatch, FaultSwitches } from './faults.ts';
export type { ImageScans, ScannedImage, ScanOutcome } from './image-scans.ts';
export type { Flavour } from './registry-context.ts';
export type { AuthorizationKind, RequestRecord } from './requests.ts';
export type { TokenOptions } from './token-issuer.ts';

/** The options of a registry. */
export interface RegistryOptions {
  /**
   * `ecr`: Amazon ECR's API and protocol, including its quirks. `distribution`: a plain OCI
   * registry.
   */
  flavour: Flavour;
  /** Default: a free one. */
  port?: number;
  /**
   * A folder that keeps all data; without it, everything is in memory. Only one process at a time
   * may use it.
   */
  data?: string;
  /** ECR: pulls from this machine need credentials, too. Default false. */
  auth?: boolean;
  /** ECR: the password within the authorization token; default random. */
  password?: string;
  /** ECR: default eu-west-1. */
  region?: string;
  /** ECR: default 000000000000. */
  accountId?: string;
  /**
   * ECR: layers are served from a separate port, which refuses requests with credentials, as S3
   * does. Default false.
   */
  separateLayerHost?: boolean;
  /** Plain registry: the user who may do everything; without it, everybody may. */
  credentials?: { username: string; password: string };
  /** Plain registry: bearer tokens from `/token` on the same host, instead of Basic. */
  tokens?: TokenOptions;
  /** ECR: takes the events that EventBridge would get; default: nobody does. */
  events?: EventSink;
  /** How many requests are kept; default 10,000. */
  requestLogSize?: number;
  /** By which clock images are pushed, milliseconds since 1970; default: this machine's. */
  now?: () => number;
}

/** A registry that is running in this process. */
export interface EmbeddedRegistry extends AsyncDisposable {
  /** 127.0.0.1:PORT, the registry part of references. */
  readonly host: string;
  /** http://127.0.0.1:PORT: the registry protocol, and with ECR the API. */
  readonly endpoint: string;
  /** ECR: the password of the user `AWS`. */
  readonly password: string;
  /** ECR: the `Authorization` header that goes with it. */
  readonly authorization: string;
  /** The last requests, oldest first; live. */
  readonly requests: readonly RequestRecord[];
  /** Switches for faults. */
  readonly faults: FaultSwitches;
  /** ECR: how scans of images end. */
  readonly scans: ImageScans;
  /** Forgets the requests so far. */
  clearRequests(): void;
  /** ECR: expires the current password; clients that use it get 403 from now on. */
  rotatePassword(password?: string): void;
  /** Names, sorted. */
  repositories(): string[];
  /** Whether a repository has a blob. */
  hasBlob(repository: string, digest: Digest): boolean;
  /** Whether a repository has a manifest. */
  hasManifest(repository: string, digest: Digest): boolean;
  /** What a tag points to. */
  tag(repository: string, tag: string): Digest | undefined;
  /** A repository's tags, sorted. */
  tags(repository: string): string[];
  /** Ends all connections and the server. Data on disk is kept. */
  stop(): Promise<void>;
}

/**
 * Starts a registry on 127.0.0.1.
 * @throws Error if the port is in use or the data folder can't be used
 */
export async function startRegistry(options: RegistryOptions): Promise<EmbeddedRegistry> {
  const storage = options.data === undefined ? memoryStorage() : await diskStorage(options.data);
  const records = await storage.records.load();
  const catalog = await Catalog.open(storage, records, options.now);
  const uploads = await UploadSessions.open(storage, records);
  const password = new EcrPassword(options.password);
  const issuer =
    options.tokens === undefined ? undefined : new TokenIssuer(options.credentials, options.tokens);
  const faults = new FaultSwitches();
  const log = new RequestLog(options.requestLogSize ?? 10_000);
  const scans = new ImageScans();
  const context: RegistryContext = {
    flavour: options.flavour,
    catalog,
    uploads,
    access: accessOf(options, password, issuer),
    links: new LayerLinks(),
    scans,
    password,
    issuer,
    region: options.region ?? 'eu-west-1',
    accountId: options.accountId ?? '000000000000',
    host: '',
    emit: options.events ?? (() => {}),
  };
  scans.ended = (image, outcome) => tellImageScan(context, image, outcome);
  const servers: Server[] = [];
  const underWay = new Set<Promise<void>>();
  const serve = async (serves: ListenerOptions['serves'], port = 0): Promise<string> => {
    const server = await listen(port, requestListener(context, { faults, log, serves, underWay }));
    servers.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(servers.splice(0).map(close));
    // Data that was received before is still being written.
    await Promise.all(underWay);
  };
  try {
    context.host = await serve('everything', options.port);
    if (options.separateLayerHost === true) context.links.useHost(`http://${await serve('layers')}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    host: context.host,
    endpoint: `http://${context.host}`,
    get password() {
      return password.current;
    },
    get authorization() {
      return `Basic ${Buffer.from(`AWS:${password.current}`).toString('base64')}`;
    },
    requests: log.records,
    faults,
    scans,
    clearRequests: () => log.clear(),
    rotatePassword: (next) => password.rotate(next),
    repositories: () => catalog.repositories().map(({ name }) => name),
    hasBlob: (repository, digest) => catalog.repository(repository)?.layers.has(digest) === true,
    hasManifest: (repository, digest) => catalog.repository(repository)?.manifests.has(digest) === true,
    tag: (repository, tag) => catalog.repository(repository)?.tags.get(tag),
    tags: (repository) => [...(catalog.repository(repository)?.tags.keys() ?? [])].sort(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function accessOf(
  options: RegistryOptions,
  password: EcrPassword,
  issuer: TokenIssuer | undefined,
): AccessControl {
  if (options.flavour === 'ecr')
    return ecrAccess(password, { pulls: options.auth === true ? 'authorized' : 'open' });
  if (issuer !== undefined) return tokenAccess(issuer);
  return options.credentials === undefined ? openAccess : basicAccess(options.credentials);
}

async function listen(port: number, listener: RequestListener): Promise<Server> {
  const server = createServer(
    {
      // An upload of gigabytes over a slow network takes longer than Node's default of five
      // minutes.
      requestTimeout: 0,
      // Longer than clients keep idle connections: a server that closes first resets their next
      // request.
      keepAliveTimeout: 65_000,
      noDelay: true,
    },
    listener,
  );
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

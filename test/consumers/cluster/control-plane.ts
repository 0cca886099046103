import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/docker-registry.ts';
import { eventually, type Program, startProgram } from './program.ts';

/** A running API server with its etcd, and what else makes a cluster. */
export interface ControlPlane {
  /** `https://127.0.0.1:PORT` */
  server: string;
  /** A bearer token of a cluster administrator. */
  token: string;
  /** The certificate with which the API server answers, and which it is verified by. */
  caFile: string;
  /** For an administrator. */
  kubeconfig: string;
  /** Runs kubectl as an administrator, and returns what it prints. */
  kubectl(args: readonly string[], input?: string): string;
  /** Stops the API server, and starts it again with the same data. */
  restart(): Promise<void>;
  log(): string;
  /** The API server's process; another one after a restart. */
  pid(): number;
  stop(): Promise<void>;
}

/** How to start a {@link ControlPlane}. */
export interface ControlPlaneOptions {
  /** The programs that build-programs.sh made. */
  bin: string;
  /** Its data and logs; has to exist. */
  folder: string;
  /** The minor version of the API server. */
  version?: '1.36' | '1.37';
  /** Also start the scheduler and the controllers, so that Deployments and Jobs get pods. */
  controllers?: boolean;
}

/** Starts etcd and the API server, and waits until it is ready. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { bin, folder, version = '1.37', controllers = true } = options;
  const programs: Program[] = [];
  const start = (name: string, args: string[]) => {
    const program = startProgram(join(bin, name), args, { log: join(folder, `${name}.log`) });
    programs.push(program);
    return program;
  };
  const [clients, peers, port] = [await freePort(), await freePort(), await freePort()];
  const etcd = `http://127.0.0.1:${clients}`;
  start('etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--unsafe-no-fsync'],
    ...['--listen-client-urls', etcd, '--advertise-client-urls', etcd],
    ...['--listen-peer-urls', `http://127.0.0.1:${peers}`],
  ]);
  const server = `https://127.0.0.1:${port}`;
  const token = randomBytes(16).toString('hex');
  const files = writeFiles(folder, token);
  const caFile = join(folder, 'certificates', 'apiserver.crt');
  const kubeconfig = writeKubeconfig(folder, { server, token, caFile });
  const startServer = () =>
    start(`kube-apiserver-${version}`, [
      ...['--etcd-servers', etcd, '--bind-address', '127.0.0.1', '--secure-port', `${port}`],
      ...['--endpoint-reconciler-type', 'none', '--cert-dir', join(folder, 'certificates')],
      ...['--token-auth-file', files.tokens, '--authorization-mode', 'RBAC'],
      ...[
        '--service-account-issuer',
        'https://kubernetes.default.svc',
        '--service-cluster-ip-range',
        '10.0.0.0/24',
      ],
      ...[
        '--service-account-key-file',
        files.publicKey,
        '--service-account-signing-key-file',
        files.privateKey,
      ],
      '--allow-privileged',
      // Without controllers nobody makes the accounts and certificates that pods would get.
      ...(controllers ? [] : ['--disable-admission-plugins', 'ServiceAccount']),
    ]);
  const kubectl = (args: readonly string[], input?: string) =>
    execFileSync('kubectl', ['--kubeconfig', kubeconfig, ...args], {
      encoding: 'utf8',
      input: input ?? '',
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28,
    });
  const ready = () =>
    eventually('the API server is ready', async () => {
      try {
        return kubectl(['get', '--raw', '/readyz']) === 'ok' &&
          kubectl(['get', 'namespace', 'default']) !== ''
          ? true
          : undefined;
      } catch {
        return undefined;
      }
    });
  let apiServer = startServer();
  await ready();
  if (controllers) {
    const common = ['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port=0'];
    start('kube-controller-manager', [
      ...common,
      ...['--service-account-private-key-file', files.privateKey, '--root-ca-file', caFile],
      '--use-service-account-credentials',
    ]);
    start('kube-scheduler', common);
    await eventually('the default service account is there', async () =>
      kubectl(['get', 'serviceaccounts', '-o', 'name']).includes('/default') ? true : undefined,
    );
  }
  return {
    server,
    token,
    caFile,
    kubeconfig,
    kubectl,
    async restart() {
      await apiServer.stop();
      apiServer = startServer();
      await ready();
    },
    log: () => apiServer.log(),
    pid: () => apiServer.pid,
    async stop() {
      for (const program of programs.toReversed()) await program.stop();
    },
  };
}

function writeFiles(folder: string, token: string) {
  const write = (name: string, text: string | Buffer) => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  mkdirSync(join(folder, 'certificates'), { recursive: true });
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    tokens: write('tokens.csv', `${token},admin,admin,"system:masters"\n`),
    publicKey: write('accounts.pub', publicKey.export({ type: 'spki', format: 'pem' })),
    privateKey: write('accounts.key', privateKey.export({ type: 'pkcs1', format: 'pem' })),
  };
}

/** The API server makes its own certificate, which also is the authority that signed it. */
function writeKubeconfig(
  folder: string,
  { server, token, caFile }: Pick<ControlPlane, 'server' | 'token' | 'caFile'>,
): string {
  const file = join(folder, 'kubeconfig.json');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    clusters: [{ name: 'main', cluster: { server, 'certificate-authority': caFile } }],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'main', context: { cluster: 'main', user: 'admin' } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

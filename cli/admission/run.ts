import type { MissingChoice } from '../../core/admission/choice.ts';
import { wait } from '../../core/async/wait.ts';
import { apiAddress } from '../api/address.ts';
import { openMappingFile } from '../mapping/find-mappings.ts';
import type { ApiFlags } from '../shared/api-command.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { logOutput } from '../shared/output.ts';
import { UsageError } from '../shared/usage-error.ts';
import { imageAsker } from './ask-for-images.ts';
import { type CertificateFiles, followCertificate, readCertificate } from './certificate.ts';
import type { ListenAddress } from './listen-address.ts';
import { jsonLog, type Log } from './log.ts';
import { MappingCopy, type MappingSource } from './mapping-copy.ts';
import { apiSource, fileSource } from './mapping-sources.ts';
import { startServer } from './server.ts';

/** The options of `drayage admission`, as they are parsed. */
export interface AdmissionFlags extends ApiFlags {
  listen: ListenAddress;
  tlsCert?: string;
  tlsKey?: string;
  mapping?: string;
  region?: string;
  data?: string;
  /** Seconds. */
  refresh: number;
  /** Seconds. */
  drain: number;
  missing: MissingChoice;
  tags?: boolean;
}

/**
 * `drayage admission`: answers until a signal stops it.
 *
 * @throws CommandError, UsageError
 */
export async function runAdmission(flags: AdmissionFlags): Promise<void> {
  const log = jsonLog(logOutput());
  const files = certificateFiles(flags);
  const certificate = files && readCertificate(files);
  const ending = new AbortController();
  const told = Promise.withResolvers<void>();
  const copy = new MappingCopy(sourceOf(flags, log), log);
  const { missing, tags = false } = flags;
  const answering = {
    copy,
    choice: { missing, tags },
    ask: missing === 'enqueue' ? imageAsker(flags, log, ending.signal) : () => {},
    isStopping: () => isStopping,
    log,
  };
  let isStopping = false;
  const server = await startServer(flags.listen, certificate, answering);
  const unfollow = files && certificate && followCertificate(files, certificate, { use: server.use, log });
  onInterrupt(told.resolve);
  process.stdout.write(`${JSON.stringify({ url: server.url })}\n`);
  const refreshing = copy.keepFresh(flags.refresh * 1_000, ending.signal);
  await told.promise;
  log('info', 'stopping: still answers for a while', { seconds: flags.drain });
  isStopping = true;
  await wait(flags.drain * 1_000);
  unfollow?.();
  ending.abort();
  await server.close();
  await refreshing;
  log('info', 'ended');
  process.exit(0);
}

function certificateFiles({ tlsCert, tlsKey }: AdmissionFlags): CertificateFiles | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined) return { certFile: tlsCert, keyFile: tlsKey };
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  throw new UsageError('--tls-cert and --tls-key belong together: name both, or neither for plain HTTP');
}

function sourceOf(flags: AdmissionFlags, log: Log): MappingSource {
  const { mapping: file, missing, region, data: folder } = flags;
  if (missing === 'enqueue') apiAddress(flags);
  if (file === undefined) return apiSource(apiAddress(flags), { region, folder, log });
  if (folder !== undefined)
    throw new UsageError('--data keeps what the API returns: leave it out with --mapping');
  // A mistake is told at once.
  openMappingFile(file, region);
  return fileSource(file, region);
}

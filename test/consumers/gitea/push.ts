import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeLayout } from '../../support/oci-layout.ts';
import type { SeededImage, SeededIndex } from '../../support/seeded-image.ts';
import { skopeo } from '../../support/skopeo.ts';
import type { Gitea } from './start-gitea.ts';

/** What is pushed. */
export interface GiteaPush {
  /** Where the layout may be stored meanwhile. */
  folder: string;
  /** Without the user. */
  repository: string;
  tag: string;
  image: SeededImage | SeededIndex;
}

/** Pushes with skopeo, as users do. @returns the whole reference */
export async function pushToGitea(
  gitea: Gitea,
  { folder, repository, tag, image }: GiteaPush,
): Promise<string> {
  const reference = `${gitea.host}/${gitea.user}/${repository}:${tag}`;
  const layout = await mkdtemp(join(folder, 'layout-'));
  const source = await writeLayout(layout, image);
  const login = ['--dest-tls-verify=false', '--dest-creds', `${gitea.user}:${gitea.password}`];
  await skopeo('copy', '--all', '--preserve-digests', ...login, source, `docker://${reference}`);
  await rm(layout, { recursive: true });
  return reference;
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { drayage } from '../support/drayage.ts';
import { encoded, loginFolder } from '../support/login-folder.ts';
import { pushImage, seededImage } from '../support/seeded-image.ts';

describe('drayage copy into Amazon ECR', () => {
  const image = seededImage({ seed: 'ecr by hand', layers: [{ size: 5_000 }, { size: 7_000 }] });
  let upstream: EmbeddedRegistry;
  let ecr: EmbeddedRegistry;
  beforeAll(async () => {
    [upstream, ecr] = await Promise.all([
      startRegistry({ flavour: 'distribution' }),
      startRegistry({ flavour: 'ecr' }),
    ]);
    await pushImage(upstream.endpoint, 'app', '1', image);
  });
  afterAll(() => Promise.all([upstream.stop(), ecr.stop()]));

  const environment = (variables: NodeJS.ProcessEnv = {}) => {
    const { env, write, home } = loginFolder();
    return {
      write,
      env: {
        ...env,
        AWS_ENDPOINT_URL_ECR: ecr.endpoint,
        AWS_REGION: 'eu-west-1',
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_CONFIG_FILE: `${home}/none`,
        AWS_SHARED_CREDENTIALS_FILE: `${home}/none`,
        ...variables,
      },
    };
  };
  const withKeys = () => environment({ AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
  const copy = (repository: string, env: NodeJS.ProcessEnv, ...more: string[]) =>
    drayage(['copy', `${upstream.host}/app:1`, `${ecr.host}/${repository}:1`, '--plain-http', ...more], {
      env,
    });

  it('logs in with the AWS credentials, and creates the repository when it is told to', async () => {
    const { env } = withKeys();
    const result = await copy('team/new', env, '--create-repository');
    expect(result, result.stderr).toMatchObject({ code: 0 });
    expect(ecr.tag('team/new', '1')).toBe(image.manifest.digest);
    const again = await copy('team/new', env, '--create-repository');
    expect(again, again.stderr).toMatchObject({ code: 0 });
  });

  it('creates nothing in a dry run, or for an image that does not exist', async () => {
    const { env } = withKeys();
    ecr.clearRequests();
    await copy('team/dry', env, '--create-repository', '--dry-run');
    await drayage(
      ['copy', `${upstream.host}/app:none`, `${ecr.host}/team/dry:1`, '--plain-http', '--create-repository'],
      { env },
    );
    expect(ecr.requests.filter(({ operation }) => operation === 'CreateRepository')).toEqual([]);
  });

  it('prefers a docker login to the AWS credentials', async () => {
    const { env, write } = withKeys();
    write('.docker/config.json', { auths: { [ecr.host]: { auth: encoded('AWS', 'wrong') } } });
    const result = await copy('team/login', env);
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('UNAUTHORIZED') });
  });

  it('says what is missing if there are no credentials at all', async () => {
    const result = await copy('team/none', environment().env);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('UNAUTHORIZED');
    expect(result.stderr).toContain(`docker login ${ecr.host}`);
  });

  it('refuses to create a repository elsewhere', async () => {
    const { env } = withKeys();
    const line = ['copy', `${upstream.host}/app:1`, `${upstream.host}/other:1`, '--plain-http'];
    const result = await drayage([...line, '--create-repository'], { env });
    expect(result).toMatchObject({ code: 2 });
    expect(result.stderr).toContain(`${upstream.host} is not an ECR registry`);
  });
});

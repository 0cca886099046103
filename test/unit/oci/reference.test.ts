import { describe, expect, it } from 'vitest';
import {
  formatFamiliar,
  formatReference,
  InvalidReferenceError,
  isRepository,
  isTag,
  parseReference,
} from '../../../core/oci/reference.ts';

const hex = '7cc4b5aefd1d0cadf8d97d4350462ba51c694ebca145b08d7d41b41acc8db5aa';
const sha256 = `sha256:${hex}`;
const sha512 = `sha512:${hex}${hex}`;

describe('parseReference', () => {
  // The columns: the text, registry, repository, tag and digest, and the familiar form if it
  // differs from the text.
  it.each([
    // Names without a registry are Docker Hub's; one component is an official image.
    ['nginx', 'docker.io', 'library/nginx', 'latest', '', 'nginx:latest'],
    ['nginx:1.27', 'docker.io', 'library/nginx', '1.27', '', 'nginx:1.27'],
    ['library/nginx', 'docker.io', 'library/nginx', 'latest', '', 'nginx:latest'],
    ['library/a/b:1', 'docker.io', 'library/a/b', '1', '', 'library/a/b:1'],
    ['grafana/grafana:11.0', 'docker.io', 'grafana/grafana', '11.0', '', 'grafana/grafana:11.0'],
    ['docker.io/nginx:1', 'docker.io', 'library/nginx', '1', '', 'nginx:1'],
    ['docker.io/library/nginx:1', 'docker.io', 'library/nginx', '1', '', 'nginx:1'],
    ['docker.io/library/library:1', 'docker.io', 'library/library', '1', '', 'library:1'],
    ['index.docker.io/nginx:1', 'docker.io', 'library/nginx', '1', '', 'nginx:1'],
    ['index.docker.io/grafana/grafana:1', 'docker.io', 'grafana/grafana', '1', '', 'grafana/grafana:1'],
    ['registry-1.docker.io/a/b:1', 'registry-1.docker.io', 'a/b', '1', '', 'registry-1.docker.io/a/b:1'],
    ['under_score/app:1', 'docker.io', 'under_score/app', '1', '', 'under_score/app:1'],
    // A first component is a registry if it has a dot, a colon or upper case, or is localhost.
    ['quay.io/app:1', 'quay.io', 'app', '1', '', 'quay.io/app:1'],
    ['quay.io/org/team/app:1', 'quay.io', 'org/team/app', '1', '', 'quay.io/org/team/app:1'],
    ['localhost/app:1', 'localhost', 'app', '1', '', 'localhost/app:1'],
    ['localhost:5000/app:1', 'localhost:5000', 'app', '1', '', 'localhost:5000/app:1'],
    ['registry:5000/app', 'registry:5000', 'app', 'latest', '', 'registry:5000/app:latest'],
    ['127.0.0.1:5000/a/b:1', '127.0.0.1:5000', 'a/b', '1', '', '127.0.0.1:5000/a/b:1'],
    ['[2001:db8::1]/app:1', '[2001:db8::1]', 'app', '1', '', '[2001:db8::1]/app:1'],
    ['[::1]:5000/app:1', '[::1]:5000', 'app', '1', '', '[::1]:5000/app:1'],
    ['[::1]:5000/app:5000', '[::1]:5000', 'app', '5000', '', '[::1]:5000/app:5000'],
    ['xn--n3h.com/app:1', 'xn--n3h.com', 'app', '1', '', 'xn--n3h.com/app:1'],
    ['Docker/docker:1', 'Docker', 'docker', '1', '', 'Docker/docker:1'],
    ['GHCR.io/org/app:1', 'GHCR.io', 'org/app', '1', '', 'GHCR.io/org/app:1'],
    [
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror/docker.io/library/nginx:1.27',
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
      'mirror/docker.io/library/nginx',
      '1.27',
      '',
      '123456789012.dkr.ecr.eu-west-1.amazonaws.com/mirror/docker.io/library/nginx:1.27',
    ],
    // Without a slash, nothing is a registry.
    ['localhost:5000', 'docker.io', 'library/localhost', '5000', '', 'localhost:5000'],
    ['192.168.0.1:80', 'docker.io', 'library/192.168.0.1', '80', '', '192.168.0.1:80'],
    ['nginx:1/2', 'nginx:1', '2', 'latest', '', 'nginx:1/2:latest'],
    ['test.com:tag', 'docker.io', 'library/test.com', 'tag', '', 'test.com:tag'],
    // Digests, with and without a tag: `latest` is only for what has neither.
    [`nginx@${sha256}`, 'docker.io', 'library/nginx', '', sha256, `nginx@${sha256}`],
    [`nginx:1.27@${sha256}`, 'docker.io', 'library/nginx', '1.27', sha256, `nginx:1.27@${sha256}`],
    [`[::1]:80/a:1@${sha512}`, '[::1]:80', 'a', '1', sha512, `[::1]:80/a:1@${sha512}`],
    // Separators within components.
    ['quay.io/a.b/c__d/e-f/g---h/i_j:1', 'quay.io', 'a.b/c__d/e-f/g---h/i_j', '1', '', ''],
    // Tags.
    ['app:V1.0_rc-2', 'docker.io', 'library/app', 'V1.0_rc-2', '', ''],
    ['app:_1', 'docker.io', 'library/app', '_1', '', ''],
    [`app:${'t'.repeat(128)}`, 'docker.io', 'library/app', 't'.repeat(128), '', ''],
    // 64 hexadecimal digits are not an image ID if something stands with them.
    [`docker.io/${hex}`, 'docker.io', `library/${hex}`, 'latest', '', `${hex}:latest`],
    [`${hex}:1`, 'docker.io', `library/${hex}`, '1', '', ''],
    [hex.slice(1), 'docker.io', `library/${hex.slice(1)}`, 'latest', '', `${hex.slice(1)}:latest`],
    // If the short form would mean something else, the familiar form is the whole.
    ['docker.io/localhost/app:1', 'docker.io', 'localhost/app', '1', '', 'docker.io/localhost/app:1'],
    ['docker.io/a.b/app:1', 'docker.io', 'a.b/app', '1', '', 'docker.io/a.b/app:1'],
    [`docker.io/sha256:${hex}`, 'docker.io', 'library/sha256', hex, '', `docker.io/library/sha256:${hex}`],
    // Length: 255 for the repository, the registry aside.
    [`quay.io/${'a/'.repeat(127)}a:1`, 'quay.io', `${'a/'.repeat(127)}a`, '1', '', ''],
  ])('%s', (text, registry, repository, tag, digest, familiar) => {
    const ref = parseReference(text);
    expect(ref).toEqual({ registry, repository, ...(tag && { tag }), ...(digest && { digest }) });
    expect(formatReference(ref)).toBe(
      `${registry}/${repository}${tag && `:${tag}`}${digest && `@${digest}`}`,
    );
    expect(formatFamiliar(ref)).toBe(familiar || text);
  });

  it.each([
    ['', /is empty/],
    [' nginx', /" nginx" is not lower-case letters/],
    ['nginx\n', /"nginx\\n" is not lower-case letters/],
    ['nginx:1.27\n', /the tag "1.27\\n"/],
    [':justtag', /the repository is missing/],
    [`@${sha256}`, /the repository is missing/],
    ['quay.io/', /the repository is missing/],
    ['docker.io/', /the repository is missing/],
    ['quay.io/:1', /the repository is missing/],
    ['/nginx', /the repository "\/nginx" is not/],
    ['nginx/', /the repository "nginx\/" is not/],
    ['docker///docker', /the repository/],
    ['-nginx', /the repository/],
    ['nginx-', /the repository/],
    ['docker-/docker', /the repository/],
    ['____/____', /the repository/],
    ['_docker/_docker', /the repository/],
    ['dock..er/docker', /the registry "dock..er"/],
    ['quay.io/dock..er', /the repository/],
    ['quay.io/dock_.er', /the repository/],
    ['quay.io/dock-.er', /the repository/],
    ['quay.io/dock___er', /the repository/],
    ['aa/asdf$$^/aa', /the repository/],
    ['a/../../etc:1', /the repository/],
    ['quay.io/ünï', /the repository/],
    // Upper case, with what was probably meant.
    ['Nginx', /must be lower case; did you mean "nginx"\?/],
    ['docker/Docker', /must be lower case; did you mean "docker\/docker"\?/],
    ['quay.io/Org/App:1', /must be lower case; did you mean "org\/app"\?/],
    ['test:5000/Uppercase/lowercase:tag', /must be lower case/],
    // Registries.
    ['https://github.com/docker/docker', /leave out the scheme/],
    ['docker://nginx', /leave out the scheme/],
    ['-docker.io/a/b', /the registry "-docker.io"/],
    ['quay.io./app', /the registry "quay.io."/],
    ['foo_bar.com/app', /the registry "foo_bar.com"/],
    ['registry:port/app', /the registry "registry:port"/],
    ['registry:/app', /the registry "registry:"/],
    ['user@quay.io/app', /the digest "quay.io\/app"/],
    ['fc00::1:5000/app', /IPv6 goes in brackets/],
    ['[fe80::1%eth0]:5000/app', /the registry/],
    ['[2001:db8:3:4::192.0.2.33]:5000/app', /the registry/],
    ['[::1/app', /the registry/],
    ['[]/app', /the repository/],
    ['[fc00::1]', /the repository/],
    ['[fc00::1]:5000', /the repository/],
    // Tags.
    ['nginx:', /the tag ""/],
    ['nginx:.1', /the tag ".1"/],
    ['nginx:-1', /the tag "-1"/],
    ['nginx:1:2', /the tag "1:2"/],
    ['nginx:v1/2', /the registry "nginx:v1"/],
    ['nginx:1+2', /the tag "1\+2"/],
    ['nginx:ü', /the tag "ü"/],
    [`nginx:${'t'.repeat(129)}`, /1 to 128/],
    // Digests.
    ['nginx@', /the digest ""/],
    ['nginx@sha256:ffff', /the digest "sha256:ffff"/],
    [`nginx@sha256:${hex.toUpperCase()}`, /in lower case/],
    [`nginx@md5:${hex}`, /the digest "md5:/],
    [`nginx@${sha256}:tag`, /the digest/],
    [`nginx@${sha256}@${sha256}`, /the digest/],
    [hex, /could be an image ID; write repository@sha256:/],
    [sha256, /names no repository; write repository@digest/],
    // Lengths.
    [`quay.io/${'a/'.repeat(127)}aa`, /the repository is longer than 255/],
    [`${'a'.repeat(250)}.example.com/app`, /the registry is longer than 259/],
    ['a'.repeat(1025), /longer than 1024/],
  ])('refuses %j', (text, reason) => {
    const read = () => parseReference(text);
    expect(read).toThrow(InvalidReferenceError);
    expect(read).toThrow(reason);
    expect(read).toThrow(expect.objectContaining({ input: text, reason: expect.stringMatching(reason) }));
  });

  it('answers hostile input at once, in few words', () => {
    const hostile = [
      'a'.repeat(1e6),
      `${'a-'.repeat(500)}`,
      `quay.io/${'_'.repeat(200)}`,
      `quay.io/${'a__'.repeat(80)}!`,
      `${'a.'.repeat(120)}-/x`,
      `${'a-'.repeat(120)}./x`,
      `[${':'.repeat(240)}/x`,
      `x:${'.'.repeat(900)}`,
    ];
    const start = performance.now();
    for (const text of hostile) {
      expect(() => parseReference(text)).toThrow(/^.{1,600}$/s);
    }
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe('isTag and isRepository', () => {
  it('judge the parts alone', () => {
    expect(isTag('1.27')).toBe(true);
    expect(isTag('')).toBe(false);
    expect(isTag('a b')).toBe(false);
    expect(isTag('1\n')).toBe(false);
    expect(isRepository('library/nginx')).toBe(true);
    expect(isRepository('a'.repeat(255))).toBe(true);
    expect(isRepository('a'.repeat(256))).toBe(false);
    expect(isRepository('')).toBe(false);
    expect(isRepository('library/')).toBe(false);
    expect(isRepository('Nginx')).toBe(false);
    expect(isRepository('nginx:1')).toBe(false);
    expect(isRepository('../x')).toBe(false);
  });
});

describe('formatReference', () => {
  it('writes a name alone, and leaves other registries as they are', () => {
    expect(formatReference({ registry: 'quay.io', repository: 'a/b' })).toBe('quay.io/a/b');
    expect(formatFamiliar({ registry: 'docker.io', repository: 'library/nginx' })).toBe('nginx');
    expect(formatFamiliar({ registry: 'docker.io', repository: `library/${hex}` })).toBe(
      `docker.io/library/${hex}`,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { explainFailure } from '../../../../cli/copy/explain.ts';
import { brokenError } from '../../../../core/registry/failures.ts';

describe('explainFailure', () => {
  const start = {
    side: 'mirror',
    registry: 'localhost:5000',
    operation: 'start upload',
    repository: 'a',
  } as const;
  const broken = (code: string, message: string) =>
    explainFailure(
      brokenError(start, Object.assign(new Error(message), { code }), new URL('https://localhost:5000/v2/')),
    );

  it.each([
    ['ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:5000', /^check the port/],
    ['ENOTFOUND', 'getaddrinfo ENOTFOUND localhost', /^check the spelling of the host name/],
  ])('explains name and port after %s, and not a repository that ECR lacks', (code, message, remedy) => {
    const failure = broken(code, message);
    expect(failure).toMatchObject({ code: 'CONNECTION', side: 'mirror', operation: 'start upload' });
    expect(failure.remedy).toMatch(remedy);
  });

  it('explains a missing repository after a dropped connection', () => {
    expect(broken('UND_ERR_SOCKET', 'other side closed').remedy).toMatch(/^the repository may not exist/);
  });
});

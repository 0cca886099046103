import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const headers = { 'x-github-event': 'package' };
const push = (changes: Record<string, unknown> = {}) => ({
  body: fixture('github-package', changes),
  headers,
});

export const cases: SourceCases = {
  upstreams: `
  - registry: ghcr.io
    webhook: { source: github, name: it }
    repositories: [{ match: "acme/**" }]`,
  accepted: { 'a push': { ...push(), images: ['ghcr.io/acme/svc/api:1.2.0'] } },
  ignored: {
    'a deletion': { ...push({ action: 'deleted' }), reasons: ['not_a_push: the action is "deleted"'] },
  },
};

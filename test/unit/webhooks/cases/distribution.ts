import { fixture } from '../fixture.ts';
import type { SourceCases } from '../source-cases.ts';

const push = (changes: Record<string, unknown> = {}) => ({ body: fixture('distribution-push', changes) });

export const cases: SourceCases = {
  upstreams: `
  - registry: registry.example:5000
    webhook: { source: distribution, name: it }
    repositories: [{ match: "team/*" }]`,
  accepted: { 'a push': { ...push(), images: ['registry.example:5000/team/web:1.0'] } },
  ignored: {
    'a pull': { ...push({ 'events.0.action': 'pull' }), reasons: ['not_a_push: events[0].action is "pull"'] },
  },
};

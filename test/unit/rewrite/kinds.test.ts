import { describe, expect, it } from 'vitest';
import { kindOfFile, kindOfName, kindOfText } from '../../../core/rewrite/kinds.ts';

describe('the kind of a file', () => {
  it.each([
    ['Dockerfile', 'dockerfile'],
    ['a/Dockerfile.prod', 'dockerfile'],
    ['a\\b\\Containerfile', 'dockerfile'],
    ['app.dockerfile', 'dockerfile'],
    ['web.Dockerfile', 'dockerfile'],
    ['Dockerfile.dockerignore', undefined],
    ['Dockerfile.md', undefined],
    ['compose.yaml', 'compose'],
    ['docker-compose.override.yml', 'compose'],
    ['compose-dev.yml', 'compose'],
    ['composer.json', undefined],
    ['.github/workflows/ci.yml', 'github-actions'],
    ['x/.github/workflows/ci.yaml', 'github-actions'],
    ['workflows/ci.yaml', undefined],
    ['action.yml', 'github-actions'],
    ['kustomization.yaml', 'kustomization'],
    ['base/Kustomization', 'kustomization'],
    ['values.yaml', 'helm-values'],
    ['values-prod.yml', 'helm-values'],
    ['deployment.yaml', undefined],
  ])('%s by its name', (path, kind) => {
    expect(kindOfName(path)).toBe(kind);
  });

  it.each([
    ['# a\n\nFROM nginx\n', 'dockerfile'],
    ['\uFEFFarg A=b\n', 'dockerfile'],
    ['a: b\n---\napiVersion: v1\nkind: Pod\n', 'kubernetes'],
    ['\uFEFF"kind": Pod\n', 'kubernetes'],
    ['{"apiVersion": "v1",\n "kind": "List"}', 'kubernetes'],
    ['{"services": {}}', 'compose'],
    ['name: x\nservices:\n  a: {image: b}\n', 'compose'],
    ['on: push\njobs:\n  a: {}\n', 'github-actions'],
    ['"on": push\njobs:\n  a: {}\n', 'github-actions'],
    ['a: {kind: Pod}\n', undefined],
    ['{"name": "x"}', undefined],
    ['', undefined],
  ])('%j by its content', (text, kind) => {
    expect(kindOfText(text)).toBe(kind);
  });

  it('goes by the name first', () => {
    expect(kindOfFile('values.yaml', 'kind: Pod\n')).toBe('helm-values');
    expect(kindOfFile('a.yaml', 'kind: Pod\n')).toBe('kubernetes');
  });
});

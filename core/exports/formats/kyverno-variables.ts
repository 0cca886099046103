/**
 * The variables of the policy for Kyverno, in CEL, each with those before it. `mirrors` is defined
 * before them: what references to the mirror begin with.
 */
export const policyVariables: readonly (readonly [name: string, expression: string])[] = [
  ['table', "globalContext.Get('drayage', '').repositories"],
  // Not the mirror Pod of a static one, which can't be changed.
  [
    'create',
    "oldObject == null && !('kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}))",
  ],
  ['running', 'oldObject == null ? [] : oldObject.spec.?ephemeralContainers.orValue([]).map(c, c.name)'],
  ['containers', "variables.create ? object.spec.containers.map(c, [c.name, c.?image.orValue('')]) : []"],
  [
    'inits',
    "variables.create ? object.spec.?initContainers.orValue([]).map(c, [c.name, c.?image.orValue('')]) : []",
  ],
  [
    'ephemerals',
    "object.spec.?ephemeralContainers.orValue([]).filter(c, !(c.name in variables.running)).map(c, [c.name, c.?image.orValue('')])",
  ],
  [
    'volumes',
    'variables.create ? object.spec.?volumes.orValue([]).filter(v, v.?image.?reference.hasValue()).map(v, [v.name, v.image.reference]) : []',
  ],
  // image → [repository, tag or digest], as distribution/reference reads it; a digest wins over a
  // tag.
  [
    'refs',
    [
      "(variables.containers + variables.inits + variables.ephemerals + variables.volumes).map(c, string(c[1])).filter(r, r != '').distinct()",
      ".transformMapEntry(_, r, {r: [r.startsWith('docker.io/') ? r.substring(10) : r.startsWith('index.docker.io/') ? r.substring(16) : r]",
      ".map(p, p == r && r.matches('^([^/]*[.:A-Z][^/]*|localhost)/') ? r : p.contains('/') ? 'docker.io/' + p : 'docker.io/library/' + p)",
      ".map(f, f.contains('@') ? [f.substring(0, f.indexOf('@')), f.substring(f.indexOf('@') + 1)] : [f, ''])",
      ".map(f, !f[0].matches(':[^/]+$') ? [f[0], f[1] == '' ? 'latest' : f[1]] :",
      " [f[0].substring(0, f[0].lastIndexOf(':')), f[1] == '' ? f[0].substring(f[0].lastIndexOf(':') + 1) : f[1]])[0]})",
    ].join(''),
  ],
  // image → what the table has for its repository
  [
    'found',
    [
      'variables.refs.transformMap(r, n, n[0] in variables.table, variables.table[n[0]])',
      '.transformMap(r, e, variables.mirrors.exists(m, e.mirror.startsWith(m)), e)',
    ].join(''),
  ],
  // image → the mirror's reference, by digest
  [
    'pinned',
    [
      'variables.found.transformMap(r, e, variables.refs[r][1] in e.tags || variables.refs[r][1] in e.digests',
      ' || e.tags.exists(t, e.tags[t] == variables.refs[r][1]),',
      " e.mirror + '@' + (variables.refs[r][1] in e.tags ? e.tags[variables.refs[r][1]] : variables.refs[r][1]))",
    ].join(''),
  ],
];

import { celMap, celString } from '../cel.ts';

/** A variable of a policy: an expression that later ones use as `variables.<name>`. */
export interface Variable {
  name: string;
  expression: string;
}

/**
 * What every variant begins with: which images the pod names, by container and volume. A static
 * pod's mirror is left alone, and so are ephemeral containers that run already.
 */
export const imageVariables: readonly Variable[] = [
  {
    name: 'create',
    expression: `oldObject == null
&& !('kubernetes.io/config.mirror' in object.metadata.?annotations.orValue({}))`,
  },
  {
    name: 'running',
    expression: `oldObject == null ? []
: oldObject.spec.?ephemeralContainers.orValue([]).map(c, c.name)`,
  },
  {
    name: 'containers',
    expression: `variables.create
? object.spec.containers.map(c, [c.name, c.?image.orValue('')]) : []`,
  },
  {
    name: 'inits',
    expression: `variables.create
? object.spec.?initContainers.orValue([]).map(c, [c.name, c.?image.orValue('')]) : []`,
  },
  {
    name: 'ephemerals',
    expression: `object.spec.?ephemeralContainers.orValue([])
.filter(c, !(c.name in variables.running)).map(c, [c.name, c.?image.orValue('')])`,
  },
  {
    name: 'volumes',
    expression: `variables.create
? object.spec.?volumes.orValue([]).filter(v, v.?image.?reference.hasValue())
  .map(v, [v.name, v.image.reference]) : []`,
  },
  {
    // The grammar only decides what a reference is, so that no comma or wrong tag passes; whether
    // the name is valid is seen when it is looked up.
    // https://github.com/distribution/reference/blob/main/normalize.go
    name: 'refs',
    expression: `(variables.containers + variables.inits + variables.ephemerals + variables.volumes)
.map(c, string(c[1])).filter(r, r.matches(
  '^([^,@]*/)?[^,@/:]+(:[0-9A-Za-z_][0-9A-Za-z_.-]{0,127})?(@sha256:[0-9a-f]{64})?$')).distinct()
.transformMapEntry(_, r, {r:
  [r.startsWith('docker.io/') ? r.substring(10)
    : r.startsWith('index.docker.io/') ? r.substring(16) : r]
  .map(p, p == r && r.matches('^([^/]*[.:A-Z][^/]*|localhost)/') ? r
    : p.contains('/') ? 'docker.io/' + p : 'docker.io/library/' + p)
  .map(f, f.contains('@') ? [f.substring(0, f.indexOf('@')), f.substring(f.indexOf('@') + 1)]
    : [f, ''])
  .map(f, !f[0].matches(':[^/]+$') ? [f[0], f[1] == '' ? 'latest' : f[1]]
    : [f[0].substring(0, f[0].lastIndexOf(':')),
       f[1] == '' ? f[0].substring(f[0].lastIndexOf(':') + 1) : f[1]])[0]})`,
  },
];

/** The variable `values`: image → the value of its repository, from the object that was synced. */
export function syncedValues(mirror: string): Variable[] {
  return [
    { name: 'mirror', expression: celString(`${mirror}/`) },
    {
      name: 'values',
      expression: `variables.refs
.transformMap(r, n, n[0] in params.spec.repositories, string(params.spec.repositories[n[0]]))
.transformMap(r, v, v.startsWith(variables.mirror), v)`,
    },
  ];
}

/**
 * `pinned`: image → its mirror's reference, from the values. A digest is found behind the tag that
 * points to it, or behind itself.
 */
export const pinnedVariables: readonly Variable[] = [
  {
    name: 'hits',
    expression: `variables.values.transformMap(r, v, !variables.refs[r][1].startsWith('sha256:')
? v.split(',' + variables.refs[r][1] + '=', 2)
: v.contains('=' + variables.refs[r][1] + ',') ? [v, variables.refs[r][1]] : [v])`,
  },
  {
    name: 'pinned',
    expression: `variables.hits.transformMap(r, h, size(h) == 2,
h[0].split(',', 2)[0] + '@' + h[1].split(',', 2)[0])`,
  },
];

/**
 * `final` with a rewrite by host of what is not mapped: it keeps its tag or digest. What is not a
 * repository's name stays, and so does the ID of an image that is on the node already.
 *
 * @param hosts upstream registry → what takes its place
 * @param isSynced with a synced object: if there are several, each knows only a part of what is
 *   mapped, so nothing is rewritten by host
 */
export function fallbackVariables(hosts: ReadonlyMap<string, string>, isSynced: boolean): Variable[] {
  const whole = isSynced ? `'drayage.dev/shards' in params.metadata.?annotations.orValue({}) ? {} : ` : '';
  return [
    { name: 'hosts', expression: `${whole}${celMap(hosts)}` },
    {
      name: 'fallback',
      expression: `variables.refs.transformMap(r, n,
!(r in variables.pinned) && n[0].split('/', 2)[0] in variables.hosts
  && n[0].matches('^[^/]+(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)+$')
  && !r.matches('^((sha256:)?[0-9a-f]{64}|sha512:[0-9a-f]{128})$'),
variables.hosts[n[0].split('/', 2)[0]] + n[0].substring(n[0].indexOf('/'))
+ (n[1].contains(':') ? '@' : ':') + n[1])`,
    },
    {
      name: 'final',
      expression: `variables.refs
.transformMap(r, n, r in variables.pinned || r in variables.fallback,
  r in variables.pinned ? variables.pinned[r] : variables.fallback[r])`,
    },
  ];
}

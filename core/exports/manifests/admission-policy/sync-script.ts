/** How many objects the CronJob may write: `main`, `main-2` … */
export const maxShards = 16;

/** The names of all objects that there may be. */
export const shardNames: readonly string[] = Array.from({ length: maxShards }, (_, index) =>
  index === 0 ? 'main' : `main-${index + 1}`,
);

/**
 * What the CronJob runs, for `sh -euc` with curl and the usual small programs (busybox): fetches
 * the objects, puts each with server-side apply, and then removes those that are no longer there.
 * The order is that of the export, which never takes a repository away before another object has
 * it. An export that was cut ends it: its last line says how many objects it has.
 *
 * Tokens are not arguments, which every process could read.
 */
export const syncScript = `fail() { echo "drayage-sync: $1" >&2; exit 1; }
# Prints what was answered if a request fails.
request() { curl -sS --fail-with-body --retry 3 --max-time 60 -o answer "$@" || { [ ! -f answer ] || { cat answer; echo; } >&2; fail "this request failed: $*"; }; }

cd "$WORK"
rm -f answer export part-* names removals
printf 'Authorization: Bearer %s\\n' "$DRAYAGE_TOKEN" > drayage-token
printf 'Authorization: Bearer %s\\n' "$(cat "$SA/token")" > kube-token

request -L --compressed -H @drayage-token "$DRAYAGE_EXPORT"
mv answer export
awk '/^---/ { part++; next } /^#/ { next } part { print > ("part-" part) }' export
count=$(ls | grep -c '^part-' || true)
[ "$(tail -n 1 export)" = "# complete: $count" ] || fail "the export is incomplete: it has $count objects, and ends with: $(tail -n 1 export | cut -c 1-100)"
[ "$count" -le ${maxShards} ] || fail "the export has $count objects, and a cluster takes ${maxShards}: mirror fewer tags, or use drayage export admission-webhook"

part=1
while [ "$part" -le "$count" ]; do
  name=$(sed -n 's/^{"apiVersion":"drayage.dev\\/v1","kind":"ImageMirror","metadata":{"name":"\\(main[-0-9]*\\)".*/\\1/p' "part-$part")
  [ -n "$name" ] || fail "object $part of the export is not an ImageMirror"
  echo "$name" >> names
  request --cacert "$SA/ca.crt" -H @kube-token -X PATCH -H 'Content-Type: application/apply-patch+yaml' --data-binary "@part-$part" "$KUBE/apis/drayage.dev/v1/imagemirrors/$name?fieldManager=drayage&force=true"
  part=$((part + 1))
done

number=2
while [ "$number" -le ${maxShards} ]; do
  grep -qx "main-$number" names || printf 'url = "%s/apis/drayage.dev/v1/imagemirrors/main-%s"\\noutput = answer\\n' "$KUBE" "$number" >> removals
  number=$((number + 1))
done
[ ! -f removals ] || codes=$(curl -sS --max-time 60 --cacert "$SA/ca.crt" -H @kube-token -X DELETE -w '%{http_code}\\n' -K removals) || fail 'superfluous objects could not be removed'
for code in \${codes-}; do
  case $code in 200 | 404) ;; *) fail "superfluous objects could not be removed: $code" ;; esac
done
echo "drayage-sync: up to date, objects: $count"
`;

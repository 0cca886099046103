#!/usr/bin/env bash
# Packs the package, checks what is in it, installs it into an empty folder, and uses it there: the command, and the constructs in
# apps of somebody else's, those of examples/ among them. All of it on each Node: the oldest that `engines` names, and that of the repository. Runs after `npm run build`.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$root/node_modules/.bin:$PATH"

(cd "$root" && npm pack --silent --ignore-scripts --pack-destination "$work" >/dev/null)
cd "$work"
bin=$(node -p 'require(process.argv[1]).bin.drayage' "$root/package.json")
tar -tzf drayage-*.tgz >files
grep -qx "package/$bin" files || { echo "the package has no $bin"; exit 1; }
"$root/.ci/sbom" >sbom.json
"$root/node_modules/.bin/node" "$root/test/package/contents.ts" files sbom.json

echo '{"name":"app","type":"module","private":true}' >package.json
versions=$(node -p 'const d = require(process.argv[1]).devDependencies; ["aws-cdk-lib", "constructs", "@types/node"].map((n) => `${n}@${d[n]}`).join(" ")' "$root/package.json")
npm install --silent --no-audit --no-fund ./drayage-*.tgz $versions

cp "$root/mirror.yaml" .
cat >app.js <<'APP'
import { App, Stack } from 'aws-cdk-lib';
import { ImageMirror, loadConfig } from 'drayage';
const stack = new Stack(new App({ outdir: 'cdk.out' }), 'Theirs');
new ImageMirror(stack, 'Mirror', { config: loadConfig('mirror.yaml') });
stack.node.root.synth();
APP

read -r least newest <<<"$(node -p 'const p = require(process.argv[1]); `${p.engines.node.replace(">=", "")}.0 ${p.devDependencies.node}`' "$root/package.json")"
for version in "$least" "$newest"; do
  npm install --silent --no-audit --no-fund --prefix "nodes/$version" "node@$version"
  PATH="$work/nodes/$version/node_modules/.bin:$PATH"
  [ "$(node --version)" = "v$version" ] || { echo "this is Node $(node --version), not $version"; exit 1; }
  drayage="node_modules/drayage/$bin"
  "$drayage" --version
  "$drayage" validate --config mirror.yaml
  "$drayage" demo >"demo-$version.txt" 2>&1 || { cat "demo-$version.txt"; echo "the demo fails on Node $version"; exit 1; }
  rm -rf cdk.out
  node app.js
  test -s cdk.out/Theirs.template.json
  find cdk.out -path '*/web/app.js' | grep -q . || { echo 'the API function has no status page'; exit 1; }
  find cdk.out -name mirror.json | grep -q . || { echo 'the functions have no configuration'; exit 1; }
  # The apps in examples/: they find the package in the folder above.
  for example in "$root"/examples/*/; do
    name=$(basename "$example")
    rm -rf "$name"
    cp -R "$example" "$name"
    (cd "$name" && node --test "test/*.test.ts" >"../$name.txt" 2>&1) || { cat "$name.txt"; echo "examples/$name fails on Node $version"; exit 1; }
    (cd "$name" && tsc) || { echo "examples/$name does not fit the package's types"; exit 1; }
  done
  # The code in docs/constructs.md.
  mkdir -p page
  cp mirror.yaml page/
  awk '/^```ts$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/docs/constructs.md" >page/app.ts
  test -s page/app.ts
  cp "$root/examples/private-network/tsconfig.json" page/
  (cd page && node app.ts && tsc) || { echo "the code in docs/constructs.md fails on Node $version"; exit 1; }
  echo "the package works on Node $version"
done
old=$(npx --yes --package node@20 -- node "$drayage" --version 2>&1) && { echo 'an older Node is taken'; exit 1; }
grep -q "drayage needs Node ${least%.0} or newer" <<<"$old" || { echo "an older Node is told: $old"; exit 1; }
echo "the package: $(du -h drayage-*.tgz | cut -f1)"

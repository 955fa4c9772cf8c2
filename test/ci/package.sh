#!/usr/bin/env bash
# npm pack, installed in an empty folder, works as in a checkout: the build runs under node_modules, where Node does
# not strip types.
set -eu
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" >"$work/name"
cd "$work"
mkdir user && cd user
npm init -y >/dev/null
npm install --no-audit --no-fund --silent "../$(cat "$work/name")"
PATH="$root/node_modules/node/bin:$PATH"
./node_modules/.bin/tprof --version
./node_modules/.bin/tprof formats --json >formats.json
node -e 'if (JSON.parse(require("fs").readFileSync("formats.json")).formats.length < 2) process.exit(1)'
packages=$(find node_modules -name package.json -path '*/node_modules/*' -not -path '*/node_modules/*/*/*/package.json' | wc -l)
echo "packages installed with tprof: $packages"
[ "$packages" -lt 250 ]
./node_modules/.bin/tprof record -o capture -- e2e linear --tasks 2
test -s capture/breakdown.json
test -s capture/report.md
node -e 'const c = JSON.parse(require("fs").readFileSync("capture/capture.json")); if (!c.complete || c.spans.accepted === 0) process.exit(1)'

#!/usr/bin/env bash
# Outside a checkout a Node that is too old gets one sentence, not a stack.
set -u
old=$(command -v node)
major=$("$old" -p 'process.versions.node.split(".")[0]')
if [ "$major" -ge 24 ]; then
  echo "skipped: the system's Node is $major, which is new enough"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin" && cp bin/tprof.js "$work/bin/" && echo '{"type":"module"}' >"$work/package.json"
out=$("$old" "$work/bin/tprof.js" --version 2>&1)
code=$?
echo "$out"
[ "$code" -eq 4 ] && [ "$(echo "$out" | wc -l)" -eq 1 ] && [[ "$out" == *"needs Node 24"* ]]

#!/usr/bin/env bash
# OpenTelemetry's Python SDK, from its registry, sends to `tprof receive` over HTTP and gRPC, plain and gzip; the
# receiver is killed with -9 while it is being sent to; every span that was acknowledged is in the capture.
set -eu
if ! command -v python3 >/dev/null; then
  echo 'skipped: there is no python3 here'
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
  opentelemetry-sdk opentelemetry-exporter-otlp-proto-http opentelemetry-exporter-otlp-proto-grpc
"$work/venv/bin/python" test/ci/python-otel.py "$work/capture" \
  node bin/tprof.js receive --listen :0 -o "$work/capture"

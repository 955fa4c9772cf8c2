"""Starts a receiver (argv[2:], which prints its endpoint on standard error), sends spans with four of the SDK's own
exporters until enough are acknowledged, kills it with -9, and reads the capture (argv[1]) with opentelemetry-proto."""

import json
import os
import re
import signal
import struct
import subprocess
import sys
import threading

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
import grpc

ENOUGH = 2000
BATCH = 20


class Keep(SpanProcessor):
    def __init__(self):
        self.spans = []

    def on_end(self, span):
        self.spans.append(span)


def receiver_pid(child):
    """npx may stand between: the process that listens is the last of its line."""
    pid = child.pid
    while True:
        with open(f"/proc/{pid}/task/{pid}/children") as children:
            below = children.read().split()
        if not below:
            return pid
        pid = int(below[0])


def main():
    capture, command = sys.argv[1], sys.argv[2:]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    endpoint = None
    for line in child.stderr:
        found = re.search(r"receiving .* (http://[\d.]+:\d+)", line)
        if found:
            endpoint = found.group(1)
            break
    assert endpoint is not None, "the receiver did not say where it listens"
    pid = receiver_pid(child)
    threading.Thread(target=lambda: child.stderr.read(), daemon=True).start()
    exporters = {
        "http": HttpExporter(endpoint + "/v1/traces", timeout=2),
        "http gzip": HttpExporter(endpoint + "/v1/traces", timeout=2, compression=Compression.Gzip),
        "grpc": GrpcExporter(endpoint, insecure=True, timeout=2),
        "grpc gzip": GrpcExporter(endpoint, insecure=True, timeout=2, compression=grpc.Compression.Gzip),
    }
    acknowledged = {name: set() for name in exporters}
    killed = threading.Event()

    def total():
        return sum(len(ids) for ids in acknowledged.values())

    def send(name, exporter):
        keep = Keep()
        provider = TracerProvider(resource=Resource({"service.name": "python " + name}))
        provider.add_span_processor(keep)
        tracer = provider.get_tracer("python-otel")
        while not killed.is_set():
            keep.spans.clear()
            for number in range(BATCH):
                with tracer.start_as_current_span(f"span {number}", attributes={"number": number, "text": "grün"}):
                    pass
            if exporter.export(list(keep.spans)) is not SpanExportResult.SUCCESS:
                return
            acknowledged[name] |= {span.context.span_id.to_bytes(8, "big") for span in keep.spans}
            if total() >= ENOUGH and all(acknowledged.values()) and not killed.is_set():
                killed.set()
                os.kill(pid, signal.SIGKILL)

    threads = [threading.Thread(target=send, args=pair) for pair in exporters.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    child.wait()

    with open(os.path.join(capture, "capture.json")) as manifest:
        assert json.load(manifest)["complete"] is False, "a killed recording says that it is not complete"
    kept = set()
    with open(os.path.join(capture, "raw/otlp/traces.pb"), "rb") as file:
        data = file.read()
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        if at + 4 + length > len(data):
            break
        request = ExportTraceServiceRequest.FromString(data[at + 4 : at + 4 + length])
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                kept |= {span.span_id for span in scope.spans}
        at += 4 + length
    missing = 0
    for name, ids in acknowledged.items():
        lost = len(ids - kept)
        missing += lost
        print(f"{name}: {len(ids)} acknowledged, {lost} missing")
        if not ids:
            missing += 1
    print(f"{total()} acknowledged before kill -9, {len(kept)} in the capture")
    sys.exit(1 if missing or total() < ENOUGH else 0)


main()

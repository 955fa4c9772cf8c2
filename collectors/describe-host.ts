import { arch, cpus, platform, release, totalmem } from 'node:os';
import type { CaptureManifest } from '../src/model/capture.ts';

/** The machine, as a manifest names it. */
export function describeHost(): CaptureManifest['host'] {
  const processors = cpus();
  return {
    platform: platform(),
    release: release(),
    arch: arch(),
    cpus: processors.length,
    cpuModel: processors[0]?.model.trim() ?? '',
    memoryBytes: totalmem(),
    node: process.versions.node,
  };
}

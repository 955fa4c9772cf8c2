/** Record types: the kernel's (below 64) and perf's own. */
export const RecordType = {
  mmap: 1,
  lost: 2,
  comm: 3,
  exit: 4,
  throttle: 5,
  unthrottle: 6,
  fork: 7,
  sample: 9,
  mmap2: 10,
  aux: 11,
  lostSamples: 13,
  switch: 14,
  switchCpuWide: 15,
  namespaces: 16,
  ksymbol: 17,
  /** The last that tprof knows of; those between are side-band that no stack needs. */
  auxOutputHardwareId: 21,
  headerAttr: 64,
  headerTracingData: 66,
  headerBuildId: 67,
  finishedRound: 68,
  auxtrace: 71,
  eventUpdate: 78,
  headerFeature: 80,
  compressed: 81,
  compressed2: 83,
} as const;

/** Bits of a record's `misc` word. */
export const Misc = {
  cpuMode: 7,
  /** An mmap of data, not of code. */
  mmapData: 0x2000,
  /** The COMM came from exec. */
  commExec: 0x2000,
  /** The SWITCH is one out of the CPU. */
  switchOut: 0x2000,
  /** The MMAP2 holds a build id in place of device and inode. */
  mmapBuildId: 0x4000,
} as const;

export const CpuMode = { kernel: 1, user: 2, hypervisor: 3, guestKernel: 4, guestUser: 5 } as const;

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { processProbe } from '../../collectors/probes/process.ts';
import { ProbeLogWriter } from '../../src/formats/probe-log.ts';

const SAMPLES = 200;

/** What one reading of the process probe costs, by what it reads: CPU time, since the wall clock is others' as well. */
export async function bench(): Promise<void> {
  for (const [what, count, program] of [
    ['tprof and the machine alone', 0, ''],
    ['and 50 idle processes of one thread', 50, 'sleep'],
    ['and 10 Node processes that wake 100 times a second', 10, 'node'],
  ] as const) {
    const children: ChildProcess[] = [];
    for (let i = 0; i < count; i++) {
      const args = program === 'sleep' ? ['600'] : ['-e', 'setInterval(() => {}, 10)'];
      children.push(spawn(program === 'node' ? process.execPath : program, args, { stdio: 'ignore' }));
    }
    try {
      await new Promise(resolve => setTimeout(resolve, count === 0 ? 0 : 1500));
      const processes = children.map(child => ({ pid: child.pid as number, startTime: '' }));
      const run = processProbe.open({ target: '', intervalMs: 1000, processes: () => processes });
      const writer = new ProbeLogWriter(0n);
      let bytes = 0;
      const sample = async (): Promise<void> => {
        bytes += writer.sample(0, (await run.sample()).readings).length;
      };
      for (let i = 0; i < 20; i++) await sample();
      bytes = 0;
      let cpuUs = 0;
      for (let i = 0; i < SAMPLES; i++) {
        const began = process.cpuUsage();
        await sample();
        const { user, system } = process.cpuUsage(began);
        cpuUs += user + system;
        // As in life, everybody else runs in between.
        await new Promise(resolve => setTimeout(resolve, 10));
      }
      await run.close();
      console.log(
        `${what.padEnd(52)} ${(cpuUs / SAMPLES / 1000).toFixed(2)} ms of CPU, ${Math.round(bytes / SAMPLES)} bytes a reading`,
      );
    } finally {
      for (const child of children) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
    }
  }
}

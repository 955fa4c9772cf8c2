#!/usr/bin/env node
// Plain JavaScript that any Node can parse: it says in one sentence when Node is too old. In a checkout it runs the
// TypeScript source (with the checkout's own Node 24 when the system's is older); installed, it runs the build, since
// Node does not strip types below node_modules.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;
const path = relative => fileURLToPath(new URL(relative, import.meta.url));
const source = path('../src/cli.ts');
const inCheckout = existsSync(source);

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  // Compiled (and type-stripped) once for all runs: a third of the start-up's CPU, which a watched workload shares.
  module.enableCompileCache?.();
  await import(inCheckout ? '../src/cli.ts' : '../dist/src/cli.js');
} else {
  const own = path('../node_modules/node/bin/node');
  if (inCheckout && existsSync(own)) {
    const child = spawn(own, [...process.execArgv, source, ...process.argv.slice(2)], { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => {
      process.exitCode = signal === null ? code : 128 + constants.signals[signal];
    });
  } else {
    process.stderr.write(
      `tprof: needs Node ${NEEDED} or newer, and this is ${process.versions.node}; install it with: npm install -g node@24\n`,
    );
    process.exitCode = 4;
  }
}

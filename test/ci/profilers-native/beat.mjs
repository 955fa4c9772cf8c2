// As beat.c, for Node.
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

const lengthNs = BigInt(process.argv[2] ?? '10') * 1_000_000n;
const now = process.hrtime.bigint;
let sink = 0;

function approach(until) {
  while (now() < until) sink++;
}

function beat(until) {
  do {
    for (let i = 0; i < 1000; i++) sink = (sink * 31 + i) % 1_000_003;
  } while (now() < until);
}

// Compiled before it matters.
for (let i = 0; i < 200; i++) beat(now() + 100_000n);
console.log('ready');
const lines = [];
for await (const line of createInterface({ input: process.stdin })) {
  const instant = BigInt(line);
  const restMs = Number(instant - now()) / 1e6 - 3;
  if (restMs > 0) await pause(restMs);
  approach(instant);
  const begins = now();
  beat(instant + lengthNs);
  lines.push(`${begins} ${now()}`);
}
console.log(lines.join('\n'));

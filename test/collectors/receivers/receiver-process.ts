import { startOtlpReceiver } from '../../../collectors/receivers/otlp.ts';

// A receiver in a process of its own, to be killed: prints where it listens, and never stops by itself.
const { endpoint } = await startOtlpReceiver({ listen: ':0', directory: process.argv[2]! });
process.stdout.write(`${endpoint}\n`);

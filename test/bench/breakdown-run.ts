// One breakdown in a process of its own, so that its memory and start-up are its own: prints a line of JSON.
import { analyzeLifecycle, breakdownOf } from '../../analyzers/lifecycle/breakdown.ts';
import { wantedAttributes } from '../../analyzers/lifecycle/recogniser.ts';
import { TASKER_CATALOG } from '../../analyzers/lifecycle/tasker-catalog.ts';
import { analyzeWorkflow } from '../../analyzers/workflow.ts';
import { fileSource } from '../../collectors/file-source.ts';
import { otlp } from '../../src/formats/otlp.ts';
import { TraceBuilder } from '../../src/model/trace-builder.ts';

const path = process.argv[2]!;
const began = process.threadCpuUsage();
const stages: Record<string, number> = {};
let last = cpuMs();
const lap = (stage: string): void => {
  const now = cpuMs();
  stages[stage] = now - last;
  last = now;
};
const builder = new TraceBuilder(path);
await otlp.read(await fileSource(path), builder, { attributes: wantedAttributes(TASKER_CATALOG) });
const trace = builder.finish();
lap('read');
const lifecycle = analyzeLifecycle(trace);
lap('evidence, join, timeline');
const result = breakdownOf(lifecycle, trace);
lap('figures');
const whole = result.tasks.filter(task => task.complete);
analyzeWorkflow(whole.length > 0 ? whole : result.tasks);
lap('workflow');
process.stdout.write(
  JSON.stringify({
    spans: trace.spans.length,
    logs: trace.logs.length,
    steps: result.completeness.steps,
    cpuMs: last,
    stages,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
);

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage(began);
  return (user + system) / 1000;
}

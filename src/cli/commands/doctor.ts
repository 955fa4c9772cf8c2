import { Command } from 'commander';
import { PROFILERS } from '../../../collectors/profilers/list.ts';
import type { Profiler, ProfilerStatus } from '../../../collectors/profilers/profiler.ts';
import { TprofError } from '../../base/errors.ts';
import type { Block } from '../../report/block.ts';
import type { CliContext, CommonOptions } from '../context.ts';
import { inspectCommand } from '../doctor/inspect-command.ts';
import {
  lookAtSources,
  SOURCE_IDS,
  type SourceFinding,
  type SourceOptions,
  sourceBlocks,
  sourceRow,
  withSourceOptions,
} from '../doctor/look-at-sources.ts';
import { targetBlocks } from '../doctor/target-blocks.ts';
import { emitReport, withCommonOptions } from '../output.ts';

interface DoctorOptions extends CommonOptions, SourceOptions {
  readonly need: readonly string[];
}

interface Finding {
  readonly profiler: Profiler;
  readonly status: ProfilerStatus;
}

/** `tprof doctor` */
export function doctorCommand(context: CliContext): Command {
  const command = new Command('doctor')
    .description('Say which profilers, receivers and probes work here, and how to make the others work.')
    .argument('[command...]', 'a program: how well it can be profiled, and what would make that better')
    .passThroughOptions()
    .option(
      '--need <id>',
      'exit 1 unless this one works; may be given again',
      (id: string, before: readonly string[]) => [...before, id],
      [] as readonly string[],
    );
  return withCommonOptions(withSourceOptions(command))
    .addHelpText(
      'after',
      '\nExamples:\n  $ tprof doctor\n  $ tprof doctor --need perf && tprof record --profiler perf -- ./service\n  $ tprof doctor --postgres postgresql://localhost/app --need postgres\n  $ tprof doctor -- ./target/release/service --port 80',
    )
    .action(async (words: string[], options: DoctorOptions) => {
      for (const id of options.need) {
        if (PROFILERS.some(profiler => profiler.id === id) || SOURCE_IDS.includes(id)) continue;
        throw new TprofError('usage', `there is no profiler, receiver or probe '${id}'`, {
          hint: `there are: ${[...PROFILERS.map(profiler => profiler.id), ...SOURCE_IDS].join(', ')}`,
        });
      }
      const findings = await Promise.all(PROFILERS.map(async profiler => ({ profiler, status: await look(profiler) })));
      const sources = await lookAtSources(options);
      const target = words.length === 0 ? undefined : await inspectCommand(words, context);
      // Of several servers of a kind each one has to work.
      const works = (id: string): boolean =>
        findings.some(f => f.profiler.id === id && f.status.usable) ||
        (SOURCE_IDS.includes(id) && sources.every(source => source.id !== id || source.status.usable));
      const unmet = options.need.filter(id => !works(id));
      const result = {
        schema: 'tprof.doctor/1',
        epochNs: '0',
        inputs: [],
        warnings: [],
        host: { platform: process.platform, arch: process.arch, node: process.versions.node },
        profilers: findings.map(row),
        receivers: sources.filter(source => source.kind === 'receiver').map(sourceRow),
        probes: sources.filter(source => source.kind === 'probe').map(sourceRow),
        ...(target === undefined ? {} : { target }),
        unmet,
      };
      await emitReport(context, options, {
        title: 'What works here',
        result,
        blocks: () => [...blocks(findings, sources), ...(target === undefined ? [] : targetBlocks(target))],
      });
      if (unmet.length > 0) context.exitCode = 1;
    });
}

/** A tool for another system is not asked for: the answer would be about this one's lack of it. */
async function look(profiler: Profiler): Promise<ProfilerStatus> {
  if (profiler.platforms.includes(process.platform)) return profiler.check();
  return {
    usable: false,
    reason: `it runs on ${profiler.platforms.join(', ')}, not on ${process.platform}`,
    hint: `record on ${profiler.platforms.join(' or ')}`,
  };
}

function row({ profiler, status }: Finding): object {
  const { id, title, measures, runtimes, attaches, options } = profiler;
  return { id, title, measures, runtimes, attaches, options, ...status };
}

function blocks(findings: readonly Finding[], sources: readonly SourceFinding[]): Block[] {
  const columns = ['profiler', 'works', 'version', 'measures', 'of', 'attaches', 'note, or what mends it'];
  return [
    { kind: 'paragraph', text: `Node ${process.versions.node} on ${process.platform} ${process.arch}.` },
    {
      kind: 'table',
      columns: columns.map((title, c) => ({
        title,
        align: 'left',
        whole: c === 0,
        wrap: title === 'of' || c === columns.length - 1,
      })),
      rows: findings.map(({ profiler, status }) => [
        profiler.id,
        status.usable ? 'yes' : 'no',
        status.usable ? status.version : '',
        profiler.measures.join(', '),
        profiler.runtimes.join(', '),
        profiler.attaches ? 'yes' : '',
        status.usable ? (status.note ?? '') : `${status.reason}: ${status.hint}`,
      ]),
    },
    ...sourceBlocks(sources),
  ];
}

import type { Block } from '../../report/block.ts';
import type { TargetReport } from './inspect-command.ts';

/** What doctor says of a command: what it is, what its file has, which profiler fits, and what mends the rest. */
export function targetBlocks(report: TargetReport): Block[] {
  const title = report.command.join(' ');
  if (report.problem !== undefined) {
    const { reason, hint } = report.problem;
    return [
      { kind: 'heading', level: 2, text: title },
      { kind: 'note', severity: 'warning', text: `${reason}${hint === undefined ? '' : `: ${hint}`}` },
    ];
  }
  const { binary, framePointers } = report;
  const rows: [string, string][] = [
    ['program', report.path ?? ''],
    ['kind', `${report.because ?? ''}${report.runtimeVersion === undefined ? '' : ` (${report.runtimeVersion})`}`],
  ];
  if (binary !== undefined && framePointers !== undefined) {
    const { debug } = binary;
    const { looked, withLine } = debug.lines;
    rows.push(
      [
        'file',
        `ELF, ${binary.machine}, ${binary.isStatic ? 'static' : 'dynamic'}${binary.language === 'unknown' ? '' : `, ${LANGUAGES[binary.language]}`}`,
      ],
      ['compiler', binary.compilers.filter(c => !c.startsWith('Linker:')).join('; ') || 'not named'],
      ['frame pointers', `${framePointers.isSure ? 'very ' : ''}${WORDS[framePointers.verdict]}: ${framePointers.how}`],
      ['unwind tables', binary.unwindTables ? 'yes (.eh_frame)' : 'no: --call-graph dwarf cannot walk its stacks'],
      ['symbols', binary.stripped ? (binary.hasSymbols ? 'stripped; in the debug file' : 'stripped') : 'yes (.symtab)'],
      [
        'debug information',
        debug.where === 'none'
          ? `none${debug.lookedAt.length === 0 ? '' : `; looked at ${debug.lookedAt.join(', ')}`}`
          : `${debug.where === 'inside' ? 'in the file' : `in ${debug.file}`}; lines known for ${withLine} of ${looked} functions that were looked up`,
      ],
      ...(debug.link === '' ? [] : [['debug link', debug.link] as [string, string]]),
      ['build id', binary.buildId === '' ? 'none' : binary.buildId],
    );
  } else if (report.runtime === 'native') rows.push(['file', 'no ELF program: tprof cannot look into it']);
  rows.push(['record', report.choice ?? '']);
  return [
    { kind: 'heading', level: 2, text: title },
    {
      kind: 'table',
      columns: [
        { title: 'what', align: 'left' },
        { title: 'found', align: 'left', wrap: true },
      ],
      rows,
    },
    ...(report.advice.length === 0
      ? []
      : [
          {
            kind: 'table',
            caption: 'What would make its profiles better',
            columns: [
              { title: 'about', align: 'left' },
              { title: 'what', align: 'left', wrap: true },
              { title: 'how', align: 'left', wrap: true },
            ],
            rows: report.advice.map(({ about, what, command }) => [about, what, command]),
          } as const,
        ]),
    ...(report.record === undefined ? [] : [{ kind: 'code', language: 'sh', text: report.record } as const]),
  ];
}

const LANGUAGES = { rust: 'Rust', go: 'Go', c: 'C', 'c++': 'C++', unknown: '' } as const;

const WORDS = {
  yes: 'likely yes',
  mostly: 'likely, but not everywhere',
  some: 'likely only here and there',
  no: 'likely no',
  unknown: 'not known',
} as const;

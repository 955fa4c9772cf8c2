import type { OperationFigures } from '../../analyzers/lifecycle/breakdown-result.ts';
import type { ServerTime } from '../../analyzers/server-times.ts';
import { formatCount, formatDuration } from '../base/format-units.ts';
import type { Block } from './block.ts';

/** The client's and the server's time of each operation, side by side. */
export function serverTimesView(
  operations: readonly (OperationFigures & { readonly server?: ServerTime })[],
  counted: string,
): Block[] {
  const known = operations.filter(operation => operation.server !== undefined && operation.observed > 0);
  if (known.length === 0) return [];
  return [
    {
      kind: 'table',
      caption: `The same statements as the server counts them (${counted})`,
      columns: [
        { title: 'operation', align: 'left', code: true },
        { title: 'client: count', align: 'right' },
        { title: 'client: mean', align: 'right' },
        { title: 'server: calls', align: 'right' },
        { title: 'server: mean', align: 'right' },
        { title: 'one statement with', align: 'left' },
      ],
      rows: known.map(({ id, observed, meanNs, server }) => [
        id,
        formatCount(observed),
        formatDuration(meanNs),
        formatCount(server!.calls),
        formatDuration(server!.meanNs),
        shortened(names(server!.sharedWith, id)),
      ]),
    },
    {
      kind: 'paragraph',
      text: 'The client’s time holds parsing, binding, planning, the network and both sides’ scheduling besides the execution that the server counts: the two are not the same thing measured twice.',
    },
  ];
}

/** BEGIN and COMMIT are one statement, whatever phase they are in. */
function names(operations: readonly string[], own: string): string[] {
  const ids = operations.map(operation => operation.slice(operation.indexOf('/') + 1));
  return [...new Set(ids)].filter(id => id !== own);
}

function shortened(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 2).join(', ')} and ${names.length - 2} more`;
}

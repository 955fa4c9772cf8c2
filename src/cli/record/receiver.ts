import type { CaptureFolder } from '../../../collectors/capture-folder.ts';
import { type OtlpReceiverOptions, startOtlpReceiver } from '../../../collectors/receivers/otlp.ts';
import type { CaptureManifest, CaptureProcess } from '../../model/capture.ts';
import type { RecordOptions } from './record-options.ts';

/** The OTLP receiver as `record` needs it. */
export interface Receiver {
  /** `http://127.0.0.1:PORT`: for OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  counts(): { readonly spans: number; readonly logs: number };
  /** Who has sent so far, as far as it could be told. */
  processes(): readonly CaptureProcess[];
  /** Everything acknowledged is on disk when this resolves. May be called again. */
  stop(): Promise<Received>;
}

export interface Received {
  readonly counts: CaptureManifest['spans'];
  readonly losses: CaptureManifest['losses'];
  /** The processes behind the connections: they are known also where they lived outside of the target's tree. */
  readonly processes: readonly CaptureProcess[];
}

/** Any free port of loopback unless `--listen` names one; taken, it is a reason not to begin. */
export async function startReceiver(
  folder: CaptureFolder,
  options: Pick<RecordOptions, 'listen' | 'forward'>,
  more: Pick<OtlpReceiverOptions, 'failAs' | 'forwardHeaders'> = {},
): Promise<Receiver> {
  const receiver = await startOtlpReceiver({
    listen: options.listen ?? '127.0.0.1:0',
    directory: await folder.raw('otlp'),
    failAs: 'run-cannot-begin',
    ...more,
    ...(options.forward === undefined ? {} : { forward: options.forward }),
  });
  return {
    endpoint: receiver.endpoint,
    counts: () => receiver.counts(),
    processes: () => receiver.processes(),
    async stop() {
      const { counts, losses, processes, unknownPeers } = await receiver.stop();
      const unknown = unknownPeers.map(({ why, count }) => ({ what: 'the process behind a connection', count, why }));
      return {
        counts: { accepted: counts.spans, logs: counts.logs, metrics: counts.metrics, requests: counts.requests },
        losses: [...losses, ...unknown],
        processes: processes.map(({ pid, parentPid, command, name, startTime }) => ({
          pid,
          parentPid,
          command,
          name,
          startTime,
        })),
      };
    },
  };
}

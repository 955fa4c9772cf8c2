import type { CaptureFolder } from '../../../collectors/capture-folder.ts';
import { TprofError } from '../../base/errors.ts';
import type { CaptureManifest } from '../../model/capture.ts';
import type { RecordOptions } from './record-options.ts';

/** The OTLP receiver as `record` needs it. */
export interface Receiver {
  /** `http://127.0.0.1:PORT`: for OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  counts(): { readonly spans: number };
  /** Everything acknowledged is on disk when this resolves. May be called again. */
  stop(): Promise<{ readonly counts: CaptureManifest['spans']; readonly losses: CaptureManifest['losses'] }>;
}

export async function startReceiver(_folder: CaptureFolder, _options: RecordOptions): Promise<Receiver> {
  throw new TprofError('run-cannot-begin', 'this version of tprof has no receiver for spans', {
    hint: 'record the profile alone: --no-trace',
  });
}

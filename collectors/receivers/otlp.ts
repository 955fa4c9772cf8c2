import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { TprofError, type TprofErrorCode } from '../../src/base/errors.ts';
import { endpointUrl, type ListenAddress, parseListenAddress } from './listen-address.ts';
import { type ForwardSummary, OtlpForwarder } from './otlp-forward.ts';
import { answerGrpc, GRPC_SERVER_OPTIONS, widenSession } from './otlp-grpc.ts';
import { answerHttp } from './otlp-http.ts';
import { type OtlpCounts, OtlpIntake } from './otlp-intake.ts';
import { OtlpStore } from './otlp-store.ts';
import { type Peer, type PeerProcess, PeerProcesses } from './peer-process.ts';

export interface OtlpReceiverOptions {
  /** `HOST:PORT`, `:PORT` or `PORT`; port 0 = any free one. */
  readonly listen: string;
  /** `CAPTURE/raw/otlp`; exists. */
  readonly directory: string;
  /** The user's own collector, to which every batch is passed on. */
  readonly forward?: string;
  readonly forwardHeaders?: Readonly<Record<string, string>>;
  /** Largest request, also after decompression. OTLP recommends 64 MiB. */
  readonly limitBytes?: number;
  /** Code of the error where the port is taken: `run-cannot-begin` in `record`. */
  readonly failAs?: TprofErrorCode;
}

export interface OtlpReceiver {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`; gRPC and HTTP alike. */
  readonly endpoint: string;
  readonly port: number;
  counts(): OtlpCounts;
  /** Processes that were found behind connections so far. */
  processes(): readonly PeerProcess[];
  /** Ends: no new connections, answers what is in flight, writes, closes. May be called again. */
  stop(): Promise<OtlpReceiverSummary>;
}

export interface OtlpReceiverSummary {
  readonly counts: OtlpCounts;
  /** Processes that were found behind connections. */
  readonly processes: readonly PeerProcess[];
  /** Connections whose process could not be told: why, and how many. */
  readonly unknownPeers: readonly { readonly why: string; readonly count: number }[];
  readonly forward: ForwardSummary | undefined;
  /** What is not in the capture although it was sent: for its `losses`. */
  readonly losses: readonly { readonly what: string; readonly count: number; readonly why: string }[];
}

const DEFAULT_LIMIT_BYTES = 64 << 20;
/** Every HTTP/2 connection begins with it, and no HTTP/1 request does. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** How long requests in flight may take to finish when the receiver stops. */
const FINISH_MS = 5_000;
const FORWARD_GRACE_MS = 5_000;

/**
 * Receives OTLP over gRPC and HTTP on one port and keeps every request in `directory` before it is acknowledged.
 * Decodes nothing that it does not have to: it shares the processor with what it watches. gRPC is spoken by
 * `node:http2` itself: a unary call costs a fifth to a third less CPU time than with @grpc/grpc-js, flow-control windows
 * fit a batch, and each call's socket is known, which names the process behind it.
 */
export async function startOtlpReceiver(options: OtlpReceiverOptions): Promise<OtlpReceiver> {
  const address = parseListenAddress(options.listen);
  const limitBytes = options.limitBytes ?? DEFAULT_LIMIT_BYTES;
  const forwarder =
    options.forward === undefined
      ? undefined
      : new OtlpForwarder({ url: options.forward, headers: options.forwardHeaders ?? {} });
  const peers = new PeerProcesses();
  const sockets = new Map<Socket, Promise<Peer>>();
  const inFlight = new Set<Promise<void>>();
  const track = (work: Promise<void>): void => {
    inFlight.add(work);
    void work.finally(() => inFlight.delete(work));
  };
  const peerOf = (socket: Socket): Promise<Peer> => sockets.get(socket) ?? peers.resolve(socket);

  // Bound before the files are made, so that a port that is taken leaves no trace.
  const listener = createServer({ noDelay: true });
  const port = await listen(listener, address, options.failAs ?? 'machine-lacks');
  let store: OtlpStore;
  try {
    store = await OtlpStore.open(options.directory);
  } catch (error) {
    listener.close();
    throw error;
  }
  const intake = new OtlpIntake(store, forwarder);

  const http1 = createHttpServer({ keepAliveTimeout: 120_000, requestTimeout: 120_000 }, (request, response) => {
    track(answerHttp(request, response, intake, limitBytes, peerOf(request.socket)));
  });
  const http2 = createHttp2Server(GRPC_SERVER_OPTIONS);
  http2.on('session', widenSession);
  http2.on('sessionError', () => {
    // A sender that breaks the protocol loses its connection; its requests in flight were not acknowledged.
  });
  http2.on('stream', (stream, headers) => {
    // `session.socket` is a proxy; the connection itself is what was sniffed.
    const socket = stream.session === undefined ? undefined : socketOfSession.get(stream.session);
    const peer = socket === undefined ? Promise.resolve(unknownPeer()) : peerOf(socket);
    track(answerGrpc(stream, headers, intake, limitBytes, peer));
  });
  const socketOfSession = new WeakMap<object, Socket>();
  let sniffing: Socket | undefined;
  http2.on('session', session => {
    if (sniffing !== undefined) socketOfSession.set(session, sniffing);
  });

  listener.on('connection', socket => {
    sockets.set(socket, peers.resolve(socket));
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {
      // Reset by the sender.
    });
    sniff(socket, isHttp2 => {
      sniffing = socket;
      (isHttp2 ? http2 : http1).emit('connection', socket);
      sniffing = undefined;
    });
  });

  const stopOnce = async (): Promise<OtlpReceiverSummary> => {
    const closed = new Promise<void>(resolve => listener.close(() => resolve()));
    const patience = new Promise<void>(resolve => setTimeout(resolve, FINISH_MS).unref());
    while (inFlight.size > 0) {
      const late = await Promise.race([Promise.allSettled(inFlight).then(() => false), patience.then(() => true)]);
      if (late) break;
    }
    await store.close();
    await forwarder?.close(FORWARD_GRACE_MS);
    for (const socket of sockets.keys()) socket.end();
    await Promise.race([closed, new Promise(resolve => setTimeout(resolve, 50))]);
    for (const socket of sockets.keys()) socket.destroy();
    http1.close();
    http2.close();
    await closed;
    return summarise(intake, peers, forwarder);
  };
  let stopping: Promise<OtlpReceiverSummary> | undefined;
  return {
    endpoint: endpointUrl({ host: address.host, port }),
    port,
    counts: () => intake.counts,
    processes: () => peers.processes,
    stop: () => {
      stopping ??= stopOnce();
      return stopping;
    },
  };
}

/** Waits for enough bytes to tell HTTP/2 from HTTP/1, and puts them back. */
function sniff(socket: Socket, then: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const known = Math.min(seen.length, PREFACE.length);
    const matches = seen.compare(PREFACE, 0, known, 0, known) === 0;
    if (matches && known < PREFACE.length) return;
    socket.off('readable', onReadable);
    socket.unshift(seen);
    then(matches);
  };
  socket.on('readable', onReadable);
}

function listen(listener: Server, { host, port }: ListenAddress, failAs: TprofErrorCode): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once('error', (cause: NodeJS.ErrnoException) => reject(listenError(cause, { host, port }, failAs)));
    listener.listen(port, host, () => {
      const bound = listener.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, { host, port }: ListenAddress, failAs: TprofErrorCode): unknown {
  const where = `${host}:${port}`;
  switch (cause.code) {
    case 'EADDRINUSE':
      return new TprofError(failAs, `${where}: another process listens there, so spans cannot be received`, {
        hint: 'take any free port with --listen :0, or see who it is: ss -ltnp',
        cause,
      });
    case 'EACCES':
      return new TprofError(failAs, `${where}: not allowed to listen there`, {
        hint: 'take a port from 1024 on, or any free one with --listen :0',
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new TprofError('usage', `${where}: this machine has no such address`, {
        hint: 'listen on loopback with --listen :4318, or on all interfaces with --listen 0.0.0.0:4318',
        cause,
      });
    default:
      return cause;
  }
}

function summarise(
  intake: OtlpIntake,
  peers: PeerProcesses,
  forwarder: OtlpForwarder | undefined,
): OtlpReceiverSummary {
  const { counts, lastWriteError } = intake;
  const losses: { what: string; count: number; why: string }[] = [];
  if (counts.unwritten > 0) {
    const why = lastWriteError instanceof Error ? lastWriteError.message : 'the disk was too slow';
    losses.push({ what: 'export requests that were not acknowledged', count: counts.unwritten, why });
  }
  if (counts.refused > 0) {
    losses.push({ what: 'export requests that were refused', count: counts.refused, why: 'they could not be decoded' });
  }
  if (counts.broken > 0) {
    const { lastBug } = intake;
    const why = `a bug in tprof: ${lastBug instanceof Error ? (lastBug.stack ?? lastBug.message) : String(lastBug)}`;
    losses.push({ what: 'export requests that the receiver failed on', count: counts.broken, why });
  }
  if (counts.invalidIds > 0) {
    losses.push({ what: 'spans', count: counts.invalidIds, why: 'their trace or span id is not one' });
  }
  const forward = forwarder?.summary;
  if (forward !== undefined && forward.failed > 0) {
    const what = `copies of export requests for ${forward.url} (the capture itself has them)`;
    losses.push({ what, count: forward.failed, why: forward.lastError ?? 'it refused them' });
  }
  const unknownPeers = [...peers.unknown]
    .map(([why, count]) => ({ why, count }))
    .sort((a, b) => (a.why < b.why ? -1 : 1));
  return { counts, processes: peers.processes, unknownPeers, forward, losses };
}

function unknownPeer(): Peer {
  return { process: undefined, address: '', why: 'the connection was closed at once' };
}

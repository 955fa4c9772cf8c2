import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { type ProcessId, readCommandLine, readProcessStat } from '../process-table.ts';

/** The process at the other end of a connection, or why it is not known. */
export type Peer =
  | { readonly process: ProcessId; readonly address: string }
  | { readonly process: undefined; readonly address: string; readonly why: string };

export interface PeerProcess extends ProcessId {
  readonly parentPid: number;
  readonly command: readonly string[];
  readonly name: string;
}

/** How long a connection's first batch waits for its process to be found. */
const PATIENCE_MS = 500;

/**
 * Finds the process behind a connection from the same machine: its port → the socket's inode in `/proc/net/tcp*` →
 * the process that holds it. Once per connection; connections that arrive together share one walk over /proc, and
 * processes that were found before are looked at first.
 */
export class PeerProcesses {
  readonly #found = new Map<string, PeerProcess>();
  readonly #unknown = new Map<string, number>();
  #waiting = new Map<string, (process: ProcessId | undefined) => void>();
  #walking: Promise<void> | undefined;

  /** Every process that was found behind a connection. */
  get processes(): readonly PeerProcess[] {
    return [...this.#found.values()];
  }

  /** Why connections could not be resolved, and how many. */
  get unknown(): ReadonlyMap<string, number> {
    return this.#unknown;
  }

  async resolve(socket: Socket): Promise<Peer> {
    const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;
    const process = await this.#processOf(socket);
    if (typeof process === 'object') return { process, address };
    this.#unknown.set(process, (this.#unknown.get(process) ?? 0) + 1);
    return { process: undefined, address, why: process };
  }

  async #processOf(socket: Socket): Promise<ProcessId | string> {
    const { remotePort, localPort } = socket;
    if (process.platform !== 'linux') return 'only Linux tells which process holds a socket';
    if (remotePort === undefined || localPort === undefined) return 'the connection was closed at once';
    const sender = await senderOf(remotePort, localPort);
    if (sender === undefined) return 'its sender is on another machine or in another network namespace';
    const ownUid = process.getuid?.() ?? 0;
    // The kernel would not show us the files of that process: no need to look into all of them.
    if (ownUid !== 0 && sender.uid !== ownUid) return 'its process belongs to another user';
    const { inode } = sender;
    const found = await Promise.race([
      new Promise<ProcessId | undefined>(resolve => {
        this.#waiting.set(inode, resolve);
        this.#walking ??= this.#walk();
      }),
      new Promise<'late'>(resolve => setTimeout(() => resolve('late'), PATIENCE_MS).unref()),
    ]);
    if (found === 'late') return 'looking for its process took too long';
    return found ?? 'its process had ended, or is hidden from this one';
  }

  async #walk(): Promise<void> {
    // Connections that come in the same moment take part in the same walk.
    await new Promise(resolve => setImmediate(resolve));
    while (this.#waiting.size > 0) {
      const wanted = this.#waiting;
      this.#waiting = new Map();
      for (const pid of await this.#candidates()) {
        if (wanted.size === 0) break;
        await this.#lookInto(pid, wanted);
      }
      for (const resolve of wanted.values()) resolve(undefined);
    }
    this.#walking = undefined;
  }

  /** Pids: those found before, then the newest first, since what is being recorded has just been started. */
  async #candidates(): Promise<number[]> {
    const known = new Set([...this.#found.values()].map(({ pid }) => pid));
    const all = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number);
    return [...known, ...all.filter(pid => !known.has(pid)).sort((a, b) => b - a)];
  }

  async #lookInto(pid: number, wanted: Map<string, (process: ProcessId | undefined) => void>): Promise<void> {
    let names: string[];
    try {
      names = await readdir(`/proc/${pid}/fd`);
    } catch {
      return;
    }
    const links = await Promise.all(names.map(name => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
    for (const link of links) {
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      const resolve = inode === undefined ? undefined : wanted.get(inode);
      if (inode === undefined || resolve === undefined) continue;
      wanted.delete(inode);
      const stat = readProcessStat(pid);
      if (stat !== undefined) {
        const { startTime, parentPid, comm } = stat;
        const command = readCommandLine(pid);
        this.#found.set(`${pid} ${startTime}`, { pid, startTime, parentPid, command, name: comm });
      }
      resolve(stat === undefined ? undefined : { pid, startTime: stat.startTime });
    }
  }
}

/** The sender's end of a connection: the row whose local port is the sender's and whose remote port is ours. */
async function senderOf(
  senderPort: number,
  ourPort: number,
): Promise<{ readonly inode: string; readonly uid: number } | undefined> {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  const wanted = new RegExp(`^\\s*\\d+: [0-9A-F]+:${hex(senderPort)} [0-9A-F]+:${hex(ourPort)} .*$`, 'm');
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const columns = wanted
      .exec(await readFile(table, 'latin1').catch(() => ''))?.[0]
      .trim()
      .split(/\s+/);
    const inode = columns?.[9];
    if (inode !== undefined && inode !== '0') return { inode, uid: Number(columns?.[7]) };
  }
  return undefined;
}

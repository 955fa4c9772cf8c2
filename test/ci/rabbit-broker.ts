import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Debian's wrapper of the same name changes to the user and the folders of the system's own broker. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
const START_LIMIT_MS = 90_000;

export interface RabbitBroker {
  readonly url: string;
  readonly version: string;
  /** Of the management API, where it was asked for. */
  readonly managementUrl: string | undefined;
  /** Names of the queues that it has now. */
  queues(): string[];
  stop(): Promise<void>;
}

/**
 * A RabbitMQ of this check's own: free loopback ports, its own node name, folders, cookie and port mapper (epmd), both
 * ended by their process ids. Undefined where it is not installed.
 */
export async function startRabbitBroker(
  options: { readonly management?: true } = {},
): Promise<RabbitBroker | undefined> {
  if (spawnSync('test', ['-x', SERVER]).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tprof-rabbit-'));
  const [port, mapper, distribution, management] = await freePorts();
  const managed = options.management === true;
  const path = (name: string): string => join(folder, name);
  for (const name of ['home', 'mnesia', 'log']) mkdirSync(path(name));
  const api = `management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = ${management}\ncollect_statistics_interval = 500\n`;
  writeFileSync(path('rabbitmq.conf'), `listeners.tcp.1 = 127.0.0.1:${port}\n${managed ? api : ''}`);
  writeFileSync(path('plugins'), managed ? '[rabbitmq_management].\n' : '[].\n');
  const cookie = join(path('home'), '.erlang.cookie');
  writeFileSync(cookie, `tprof${process.pid}x${port}`);
  chmodSync(cookie, 0o400);
  const env = {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: path('home'),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(mapper),
    RABBITMQ_NODENAME: `tprof-${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: path('mnesia'),
    RABBITMQ_LOG_BASE: path('log'),
    RABBITMQ_CONFIG_FILE: path('rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path('plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // The script becomes the server, instead of a shell beside it that would have to be ended as well.
    detached: '1',
  };
  const spawning = { env, cwd: folder, stdio: 'ignore' } as const;
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // The server would start a port mapper that nobody ends.
    children.push(spawn('epmd', ['-address', '127.0.0.1', '-port', String(mapper)], spawning));
    await listening(mapper, children[0]!);
    children.push(spawn(SERVER, [], spawning));
    await listening(port, children[1]!);
    if (managed) await listening(management, children[1]!);
    const log = join(path('log'), `tprof-${port}@localhost.log`);
    const version = /RabbitMQ (\d+\.\d+\.\d+)/.exec(readFileSync(log, 'utf8'))?.[1] ?? '?';
    const queues = (): string[] => {
      const words = ['-q', '-n', env.RABBITMQ_NODENAME, 'list_queues', '--no-table-headers', 'name'];
      const { status, stdout, stderr } = spawnSync(CONTROL, words, { env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`rabbitmqctl: ${stderr}`);
      return stdout.split('\n').filter(line => line !== '');
    };
    const managementUrl = managed ? `http://guest:guest@127.0.0.1:${management}` : undefined;
    return { url: `amqp://guest:guest@127.0.0.1:${port}/`, version, managementUrl, queues, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function freePorts(): Promise<[number, number, number, number]> {
  const servers = [createServer(), createServer(), createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) {
    server.close();
    await once(server, 'close');
  }
  return ports as [number, number, number, number];
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_LIMIT_MS;
  for (;;) {
    const answered = await new Promise<boolean>(resolve => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => resolve(socket.end() !== undefined));
      socket.once('error', () => resolve(false));
    });
    if (answered) return;
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with exit code ${child.exitCode}`);
    if (Date.now() > until) throw new Error(`${child.spawnfile} did not listen on port ${port}`);
    await sleep(100);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  if ((await Promise.race([gone, sleep(20_000)])) === undefined) child.kill('SIGKILL');
  await gone;
}

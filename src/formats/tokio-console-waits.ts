import type { AsyncPollOp, AsyncResource, AsyncWait } from '../model/async-tasks.ts';
import type {
  ConsoleAsyncOp,
  ConsoleAsyncOpStats,
  ConsoleLife,
  ConsoleResource,
  ConsoleUpdate,
} from './tokio-console-messages.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A resource or an operation that has not ended. */
interface Living<G> {
  readonly group: G;
  createdNs: number;
  /** False from the beginning of a connection until it is told again. */
  isTold: boolean;
}

type LivingOp = Living<Mutable<AsyncWait>> & { busyNs: number; polls: number };
type LivingResource = Living<Mutable<AsyncResource>>;

/**
 * What tasks waited for: operations on resources, folded by what they are and where the resource was made as soon as
 * they have ended, so that memory grows with the living and the distinct.
 */
export class ConsoleWaits {
  readonly #resources = new Map<bigint, LivingResource>();
  readonly #ops = new Map<bigint, LivingOp>();
  readonly #resourceGroups = new Map<string, Mutable<AsyncResource>>();
  readonly #waitGroups = new Map<string, Mutable<AsyncWait>>();
  readonly #pollGroups = new Map<string, Mutable<AsyncPollOp>>();
  #heardNs = Number.NEGATIVE_INFINITY;
  #isFirst = false;

  /** A connection begins; `heardNs`: what ended before then has been counted. */
  begin(heardNs: number): void {
    this.#heardNs = heardNs;
    this.#isFirst = true;
    for (const living of [...this.#resources.values(), ...this.#ops.values()]) living.isTold = false;
  }

  apply(update: ConsoleUpdate): void {
    const resourceStats = new Map(update.resourceStats);
    const opStats = new Map(update.asyncOpStats);
    for (const resource of update.resources) this.#addResource(resource, resourceStats.get(resource.id));
    for (const op of update.asyncOps) this.#addOp(op, opStats.get(op.id));
    for (const { name, resource, isReady } of update.pollOps) {
      const type = this.#resources.get(resource)?.group.type ?? '';
      const group = grouped(this.#pollGroups, `${name}\0${type}`, () => ({
        program: 0,
        name,
        resource: type,
        polls: 0,
        ready: 0,
      }));
      group.polls++;
      if (isReady) group.ready++;
    }
    for (const [id, stats] of opStats) {
      const op = this.#ops.get(id);
      if (op === undefined) continue;
      op.isTold = true;
      op.busyNs = stats.poll.busyNs;
      op.polls = stats.poll.polls;
      if (Number.isNaN(stats.droppedNs)) continue;
      this.#fold(op, stats.droppedNs);
      this.#ops.delete(id);
    }
    for (const [id, { droppedNs }] of resourceStats) {
      const resource = this.#resources.get(id);
      if (resource === undefined) continue;
      resource.isTold = true;
      if (!Number.isNaN(droppedNs)) this.#endResource(id, resource, droppedNs);
    }
    if (this.#isFirst) this.#forgetUntold();
    this.#isFirst = false;
  }

  #addResource(resource: ConsoleResource, stats: ConsoleLife | undefined): void {
    if (stats !== undefined && stats.droppedNs <= this.#heardNs) return;
    const known = this.#resources.get(resource.id);
    if (known !== undefined && known.createdNs === (stats?.createdNs ?? known.createdNs)) {
      known.isTold = true;
      return;
    }
    if (known !== undefined) this.#endResource(resource.id, known, this.#heardNs);
    const { type, kind, isInternal } = resource;
    const { file, line } = resource.location ?? this.#resources.get(resource.parent)?.group ?? { file: '', line: 0 };
    const group = grouped(this.#resourceGroups, `${type}\0${kind}\0${file}\0${line}\0${isInternal}`, () => ({
      program: 0,
      type,
      kind,
      file,
      line,
      isInternal,
      created: 0,
      alive: 0,
      livedNs: 0,
    }));
    group.created++;
    group.alive++;
    this.#resources.set(resource.id, { group, createdNs: stats?.createdNs ?? Number.NaN, isTold: true });
  }

  #addOp(op: ConsoleAsyncOp, stats: ConsoleAsyncOpStats | undefined): void {
    if (stats === undefined || stats.droppedNs <= this.#heardNs) return;
    const known = this.#ops.get(op.id);
    if (known !== undefined && known.createdNs === stats.createdNs) return;
    if (known !== undefined) this.#fold(known, this.#heardNs);
    const { source } = op;
    const resource = this.#resources.get(op.resource)?.group;
    const { type = '', isInternal = false, file = '', line = 0 } = resource ?? {};
    const group = grouped(this.#waitGroups, `${source}\0${type}\0${file}\0${line}\0${isInternal}`, () => ({
      program: 0,
      source,
      resource: type,
      isInternal,
      file,
      line,
      count: 0,
      open: 0,
      totalNs: 0,
      longestNs: 0,
      busyNs: 0,
      polls: 0,
    }));
    this.#ops.set(op.id, { group, createdNs: stats.createdNs, isTold: true, busyNs: 0, polls: 0 });
  }

  #fold({ group, createdNs, busyNs, polls }: LivingOp, endNs: number): void {
    const ns = Math.max(0, endNs - createdNs) || 0;
    group.count++;
    group.totalNs += ns;
    group.longestNs = Math.max(group.longestNs, ns);
    group.busyNs += busyNs;
    group.polls += polls;
  }

  #endResource(id: bigint, resource: LivingResource, endNs: number): void {
    resource.group.alive--;
    resource.group.livedNs += Math.max(0, endNs - resource.createdNs) || 0;
    this.#resources.delete(id);
  }

  /** What the first update of a new connection does not tell of had ended, when, nobody knows. */
  #forgetUntold(): void {
    for (const [id, op] of this.#ops) {
      if (op.isTold) continue;
      this.#fold(op, this.#heardNs);
      this.#ops.delete(id);
    }
    for (const [id, resource] of this.#resources) if (!resource.isTold) this.#endResource(id, resource, this.#heardNs);
  }

  finish(untilNs: number): { waits: AsyncWait[]; resources: AsyncResource[]; pollOps: AsyncPollOp[] } {
    for (const op of this.#ops.values()) {
      this.#fold(op, untilNs);
      op.group.open++;
    }
    this.#ops.clear();
    for (const [id, resource] of this.#resources) {
      this.#endResource(id, resource, untilNs);
      resource.group.alive++;
    }
    return {
      waits: [...this.#waitGroups.values()],
      resources: [...this.#resourceGroups.values()],
      pollOps: [...this.#pollGroups.values()],
    };
  }
}

function grouped<G>(groups: Map<string, G>, key: string, make: () => G): G {
  let group = groups.get(key);
  if (group === undefined) {
    group = make();
    groups.set(key, group);
  }
  return group;
}

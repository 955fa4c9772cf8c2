import { formatShare } from '../../src/base/format-units.ts';
import type { CategoryId } from '../categories.ts';
import type { HotFunction, HotPathsResult } from '../hot-paths.ts';
import { wilsonInterval } from '../statistics.ts';
import { samplesNeeded } from './needed.ts';
import type { Candidate, Findings, NotRecommended } from './ticket.ts';

/** Fewer samples than this give shares that are uncertain by as much as they are. */
export const SAMPLES_FOR_A_TICKET = 500;

/** Shares below these are not worth a ticket: of one function, of a whole category. */
const FUNCTION_SHARE = 0.05;
const CATEGORY_SHARE = 0.05;
/** More lost samples than this, and what was lost may be what was hot. */
const LOST_SHARE = 0.1;

/** What the program asks for but does not do itself: its cost is cut by asking less often. */
const SERVICES: ReadonlyMap<CategoryId, string> = new Map([
  ['logging-tracing', 'logging and tracing'],
  ['serialisation', 'serialisation'],
  ['database-client', 'the database client'],
  ['messaging-client', 'the messaging client'],
  ['compression-crypto', 'compression and cryptography'],
  ['allocation', 'allocation'],
  ['locks', 'locks'],
  ['gc', 'garbage collection'],
]);

/** Categories in which a single function is nobody's to change. */
const NOT_A_TARGET: ReadonlySet<CategoryId> = new Set(['runtime', 'kernel', 'startup', 'waiting', 'unknown', 'gc']);

/** Functions and categories by processor time. Samples say what it costs, not what it does to latency. */
export function cpuTargets(result: HotPathsResult): Findings {
  const candidates: Candidate[] = [];
  const notRecommended: NotRecommended[] = [];
  const notes: string[] = [];
  const weak = weakness(result);
  for (const [id, name] of SERVICES) {
    const category = result.categories.find(c => c.id === id);
    if (category === undefined) continue;
    if (category.share >= CATEGORY_SHARE) candidates.push(categoryCandidate(id, name, category.share, result));
    else {
      notRecommended.push({
        what: name,
        measured: `${formatShare(category.share)} of ${result.weight.name}`,
        why: 'nothing that is done about it can save more than that',
      });
    }
  }
  for (const f of result.functions) {
    if (f.selfShare < FUNCTION_SHARE) break;
    if (f.name === '') continue;
    // Part of a category that is a target itself.
    if (
      SERVICES.has(f.category) &&
      candidates.some(c => c.ticket.kind === 'category' && c.ticket.title.endsWith(SERVICES.get(f.category)!))
    )
      continue;
    if (NOT_A_TARGET.has(f.category)) {
      notRecommended.push({
        what: f.name,
        measured: `${formatShare(f.selfShare)} of ${result.weight.name} by itself`,
        why: `it is ${f.category === 'unknown' ? 'without a symbol' : `of the ${f.category}`}: what calls it is to be looked at (tprof flame)`,
      });
      continue;
    }
    candidates.push(functionCandidate(f, result));
  }
  if (weak.length === 0) return { candidates, notRecommended, notes };
  for (const { ticket } of candidates) {
    notes.push(
      `${ticket.title}: ${formatShare(ticket.share.value)} of ${result.weight.name}, but ${weak.join(', and ')}`,
    );
  }
  return { candidates: [], notRecommended: [], notes };
}

/** Why shares of this profile do not carry a ticket; empty where they do. */
function weakness(result: HotPathsResult): string[] {
  const { lost, functions, warnings } = result;
  const samples = runningSamples(result);
  const reasons: string[] = [];
  if (samples < SAMPLES_FOR_A_TICKET) {
    reasons.push(`known from ${samples} samples, of which ${SAMPLES_FOR_A_TICKET} are the least for a ticket`);
  }
  const lostShare = lost / Math.max(1, lost + samples);
  if (lostShare > LOST_SHARE) reasons.push(`${formatShare(lostShare)} of the samples were lost`);
  const unnamed = functions.reduce((sum, f) => sum + (f.category === 'unknown' ? f.selfShare : 0), 0);
  if (warnings.some(w => w.code === 'symbols-missing') && unnamed > 0.2) {
    reasons.push(`${formatShare(unnamed)} of the weight has no symbol`);
  }
  return reasons;
}

function functionCandidate(f: HotFunction, result: HotPathsResult): Candidate {
  const name = f.name;
  const path = result.paths.find(p => p.frames.at(-1) === f.name);
  const where = f.file === '' ? f.module : `${f.file}${f.line > 0 ? `:${f.line}` : ''}`;
  return {
    worth: f.selfShare,
    ticket: {
      ...common(f.selfShare, result),
      kind: 'function',
      title: `Cheaper ${name}`,
      target: `${name}${where === '' ? '' : ` (${where})`}: its own code, not what it calls.`,
      evidence: [
        { what: 'self', value: f.self, unit: result.weight.unit },
        { what: 'with what it calls', value: f.total, unit: result.weight.unit },
        { what: 'samples in all', value: result.samples, unit: 'count' },
        ...(path === undefined
          ? []
          : [{ what: `heaviest way to it: ${shortPath(path.frames)}`, value: path.share, unit: 'share' }]),
      ],
      members: [],
      acceptance: acceptanceOf(`self(${name})`, f.selfShare),
    },
  };
}

function categoryCandidate(id: CategoryId, name: string, share: number, result: HotPathsResult): Candidate {
  const members = result.functions.filter(f => f.category === id && f.self > 0).slice(0, 10);
  const category = result.categories.find(c => c.id === id)!;
  const first = members[0];
  return {
    worth: share,
    ticket: {
      ...common(share, result),
      kind: 'category',
      title: `Less ${name}`,
      target: `Everything that is ${name}, runtime code that it calls included${first === undefined ? '' : `; most of its own is ${first.name}`}.`,
      evidence: [
        { what: 'self', value: category.self, unit: result.weight.unit },
        { what: 'samples in all', value: result.samples, unit: 'count' },
      ],
      members: members.map(f => ({
        name: f.name,
        count: 0,
        total: f.self,
        unit: result.weight.unit,
        share: category.self === 0 ? 0 : f.self / category.self,
      })),
      acceptance:
        first === undefined || first.name === ''
          ? { expect: [], failOn: [], needs: { amount: null, of: 'samples' } }
          : acceptanceOf(`self(${first.name})`, first.selfShare),
      doubts:
        id === 'logging-tracing'
          ? ['Part of it is the watching: compare with a run under --no-trace before acting on it.']
          : [],
    },
  };
}

function common(share: number, result: HotPathsResult): Pick<Candidate['ticket'], 'share' | 'impact' | 'doubts'> {
  const { low, high } = wilsonInterval(share, runningSamples(result));
  return {
    share: { value: share, of: result.weight.name, interval: [low, high] },
    impact: { method: 'samples', atMost: share, weight: result.weight.name },
    doubts: [],
  };
}

/** That half of it is gone; half of that is asked to be shown. */
function acceptanceOf(gate: string, share: number): Candidate['ticket']['acceptance'] {
  const beyond = share / 4;
  return {
    expect: [`${gate} < -${Number((beyond * 100).toPrecision(2))}pt`],
    failOn: [],
    needs: { amount: samplesNeeded(share, share / 2 / (1 - share / 2), beyond), of: 'samples' },
  };
}

function shortPath(frames: readonly string[]): string {
  const shown = frames.length > 6 ? [...frames.slice(0, 2), '…', ...frames.slice(-3)] : frames;
  return shown.map(frame => (frame === '' ? '(anonymous)' : frame)).join(' → ');
}

/** Samples that the shares are of: waiting ones are left out of both. */
function runningSamples({ samples, weight, waiting }: HotPathsResult): number {
  return weight.total + waiting === 0 ? 0 : Math.round((samples * weight.total) / (weight.total + waiting));
}

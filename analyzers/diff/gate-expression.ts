import { TprofError } from '../../src/base/errors.ts';

/** `p50 > +5%`, `self(step_enqueuer) > +2pt`, `operation(send-step) > +3ms`. */
export interface GateExpression {
  /** `fail-on`: must not be shown to be so. `expect`: must be. */
  readonly demand: GateDemand;
  /** As it was written. */
  readonly text: string;
  readonly what: GateSubject;
  /** Of a function, operation or phase; '' of a latency. */
  readonly name: string;
  readonly direction: 'more' | 'less';
  readonly threshold: Threshold;
}

export type GateDemand = 'fail-on' | 'expect';

export type GateSubject = 'p50' | 'p95' | 'self' | 'total' | 'operation' | 'phase';

/** `relative`: 0.05 for 5 %. `points`: 0.02 of the whole for 2 pt. `nanoseconds`. */
export interface Threshold {
  readonly kind: 'relative' | 'points' | 'nanoseconds';
  readonly value: number;
}

const GRAMMAR =
  "expected WHAT > +NUMBER UNIT: WHAT is p50, p95, self(FUNCTION), total(FUNCTION), operation(ID) or phase(ID); UNIT is %, pt (points of share), ns, us, ms or s, as in 'p50 > +5%'";

const NANOSECONDS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9 };

/** Reads what `--fail-on` or `--expect` was given. Throws `TprofError('usage')` that says what is wrong with it. */
export function parseGate(text: string, demand: GateDemand = 'fail-on'): GateExpression {
  const wrong = (hint: string): TprofError =>
    new TprofError('usage', `--${demand} '${text}' could not be read`, { hint });
  // The last comparison sign: names may hold one (`self(operator>)`).
  const match = /^\s*(\S.*?)\s*([<>])(=?)\s*([+-]?)\s*(\d+(?:\.\d+)?)\s*([^\s\d]*)\s*$/s.exec(text);
  if (match === null) throw wrong(GRAMMAR);
  const [, left = '', sign = '', equals = '', plusMinus = '', digits = '', unit = ''] = match;
  if (equals !== '') throw wrong(`write ${sign} instead of ${sign}=: an effect is never measured to equal a number`);
  const { what, name } = subject(left, wrong);
  const isShare = what === 'self' || what === 'total';
  const direction = sign === '>' ? 'more' : 'less';
  const value = Number(digits);
  if ((direction === 'more' && plusMinus === '-') || (direction === 'less' && plusMinus !== '-' && value !== 0)) {
    throw wrong("'> +5%' fails where it grew by more than 5 %, '< -5%' where it shrank by more");
  }
  const amount = direction === 'more' ? value : value === 0 ? 0 : -value;
  if (unit === '%')
    return { demand, text, what, name, direction, threshold: { kind: 'relative', value: amount / 100 } };
  if (unit === 'pt') {
    if (!isShare) throw wrong(`pt are points of share: ${what} is a time, so use %, or ms`);
    return { demand, text, what, name, direction, threshold: { kind: 'points', value: amount / 100 } };
  }
  const factor = NANOSECONDS[unit];
  if (factor === undefined)
    throw wrong(unit === '' ? `the number needs a unit; ${GRAMMAR}` : `there is no unit '${unit}'; ${GRAMMAR}`);
  if (isShare) throw wrong(`${what}(…) is a share, so use pt (points), or % of what it was`);
  return { demand, text, what, name, direction, threshold: { kind: 'nanoseconds', value: amount * factor } };
}

function subject(left: string, wrong: (hint: string) => TprofError): { what: GateSubject; name: string } {
  if (left === 'p50' || left === 'p95') return { what: left, name: '' };
  const call = /^(self|total|operation|phase)\s*\((.*)\)$/s.exec(left);
  const name = call?.[2]?.trim() ?? '';
  if (call === null) throw wrong(`'${left}' is nothing that can be gated; ${GRAMMAR}`);
  if (name === '') throw wrong(`${call[1]}() needs a name between the brackets`);
  return { what: call[1] as GateSubject, name };
}

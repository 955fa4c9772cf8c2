import { readFile } from 'node:fs/promises';
import type { ForeignHandlers } from './foreign-handlers.ts';

/** What a handler is given: its task's context and what the steps before it returned. */
export interface HandlerInput {
  readonly stepName: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Result of each step that this one depends on, by name. */
  readonly dependencies: Readonly<Record<string, unknown>>;
  /** 1 at the first try. */
  readonly attempt: number;
}

export type Handler = (input: HandlerInput) => unknown;

/** The work of the steps, by the name that a template gives. */
export const HANDLERS: Readonly<Record<string, Handler>> = {
  square: input => numberBefore(input) ** 2,
  multiply: ({ dependencies }) => Object.values(dependencies).reduce<number>((product, n) => product * Number(n), 1),
  validate: ({ context }) => {
    const { amount, requester } = context;
    if (typeof amount !== 'number' || amount <= 0) throw new Error('expected an amount above 0');
    return { amount, requester };
  },
  route: ({ context }) => ({ create_steps: approvalsFor(Number(context.amount)) }),
  approve: ({ stepName, context }) => ({ approved: true, by: stepName, amount: context.amount }),
  finalize: ({ dependencies }) => ({ approvals: Object.keys(dependencies).sort() }),
  cut: async ({ context }) => {
    const rows = (await productRows(context)).length;
    const size = Math.max(BATCH_ROWS, Math.ceil(rows / MOST_BATCHES));
    const batches: { first: number; end: number }[] = [];
    for (let first = 0; first < rows; first += size) batches.push({ first, end: Math.min(first + size, rows) });
    return { batches };
  },
  inventory: async ({ context, inputs }) => {
    const rows = (await productRows(context)).slice(Number(inputs.first), Number(inputs.end));
    return rows.reduce((sum, { price, stock }) => ({ products: sum.products + 1, value: sum.value + price * stock }), {
      products: 0,
      value: 0,
    });
  },
  aggregate: ({ dependencies }) => {
    const parts = Object.values(dependencies) as { products: number; value: number }[];
    return {
      products: parts.reduce((sum, part) => sum + part.products, 0),
      value: parts.reduce((sum, part) => sum + part.value, 0),
    };
  },
};

const BATCH_ROWS = 200;
const MOST_BATCHES = 5;

/** Small amounts need nobody, middle ones a manager, large ones a manager and the finance department. */
function approvalsFor(amount: number): string[] {
  if (amount < 1000) return ['auto_approve'];
  return amount < 5000 ? ['manager_approval'] : ['manager_approval', 'finance_review'];
}

/** Products of the CSV file that the context names (`…,price,stock` in its last columns), or 1,000 made-up ones. */
async function productRows(context: HandlerInput['context']): Promise<{ price: number; stock: number }[]> {
  const { csv_file_path: path } = context;
  if (typeof path !== 'string') {
    return Array.from({ length: 1000 }, (_, i) => ({ price: ((i * 7919) % 9973) / 100, stock: (i * 104_729) % 250 }));
  }
  const [, ...lines] = (await readFile(path, 'utf8')).trim().split(/\r?\n/);
  return lines.map(line => {
    const [price, stock] = line.split(',').slice(-2).map(Number);
    return { price: price ?? 0, stock: stock ?? 0 };
  });
}

/**
 * Runs the step's handler. A context may ask for a failure, so that retries can be tried out:
 * `{"_fail": {"step": "linear_step_2", "times": 1}}`.
 */
export async function runHandler(name: string, input: HandlerInput, foreign?: ForeignHandlers): Promise<unknown> {
  const fail = input.context._fail as { step?: string; times?: number } | undefined;
  if (fail?.step === input.stepName && input.attempt <= (fail.times ?? 1)) {
    throw new Error(`${input.stepName} failed as its context asked, attempt ${input.attempt}`);
  }
  if (foreign !== undefined) return await foreign.run(name, input);
  const handler = HANDLERS[name];
  if (handler === undefined) throw new Error(`no handler is called ${name}`);
  return await handler(input);
}

function numberBefore({ dependencies, context }: HandlerInput): number {
  const [first] = Object.values(dependencies);
  return Number(first ?? context.even_number ?? 0);
}

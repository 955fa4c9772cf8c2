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
};

/**
 * Runs the step's handler. A context may ask for a failure, so that retries can be tried out:
 * `{"_fail": {"step": "linear_step_2", "times": 1}}`.
 */
export async function runHandler(name: string, input: HandlerInput): Promise<unknown> {
  const handler = HANDLERS[name];
  if (handler === undefined) throw new Error(`no handler is called ${name}`);
  const fail = input.context._fail as { step?: string; times?: number } | undefined;
  if (fail?.step === input.stepName && input.attempt <= (fail.times ?? 1)) {
    throw new Error(`${input.stepName} failed as its context asked, attempt ${input.attempt}`);
  }
  return await handler(input);
}

function numberBefore({ dependencies, context }: HandlerInput): number {
  const [first] = Object.values(dependencies);
  return Number(first ?? context.even_number ?? 0);
}

/** One step of a template. `handler` names a function in `handlers.ts`. */
export interface StepTemplate {
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly handler: string;
  /**
   * `decision` and `batchable` steps create steps while the task runs; `deferred` steps exist only once such a step
   * asked for them.
   */
  readonly kind?: 'decision' | 'batchable' | 'deferred' | 'batch-worker';
}

/** A workflow and the context of one benchmark run of it, as a real Tasker knows them. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly steps: readonly StepTemplate[];
  /** How many steps a task of this scenario has run through when it is complete. */
  readonly stepsRun: number;
  /** Longest wait for one task before it counts as stuck, in seconds. */
  readonly timeoutS: number;
  /** The language of the handlers, where it is not the worker's own; they run in a process beside it. */
  readonly runtime?: 'python3' | 'ruby';
  /** How it runs unless the caller says otherwise: one process of each kind, one task at a time. */
  readonly shape?: { readonly orchestrations: number; readonly workers: number; readonly concurrency: number };
}

const EVEN = { even_number: 6 } as const;

function step(
  name: string,
  dependsOn: readonly string[],
  handler = 'square',
  kind?: StepTemplate['kind'],
): StepTemplate {
  return kind === undefined ? { name, dependsOn, handler } : { name, dependsOn, handler, kind };
}

function inARow(names: readonly string[]): StepTemplate[] {
  return names.map((name, index) => step(name, names.slice(Math.max(0, index - 1), index)));
}

const LINEAR = {
  namespace: 'rust_e2e_linear',
  name: 'mathematical_sequence',
  version: '1.0.0',
  context: EVEN,
  stepsRun: 4,
  timeoutS: 10,
  steps: inARow(['linear_step_1', 'linear_step_2', 'linear_step_3', 'linear_step_4']),
} as const;

/** The workflows of Tasker's benchmarks under Tasker's own names. Adding one is adding data. */
export const SCENARIOS: readonly Scenario[] = [
  { ...LINEAR, id: 'linear', title: 'four steps in a row' },
  {
    id: 'diamond',
    title: 'one step, two branches, one convergence',
    namespace: 'rust_e2e_diamond',
    name: 'diamond_pattern',
    version: '1.0.0',
    context: EVEN,
    stepsRun: 4,
    timeoutS: 10,
    steps: [
      step('diamond_start', []),
      step('diamond_branch_b', ['diamond_start']),
      step('diamond_branch_c', ['diamond_start']),
      step('diamond_end', ['diamond_branch_b', 'diamond_branch_c'], 'multiply'),
    ],
  },
  {
    id: 'complex_dag',
    title: 'seven steps with mixed fan-out and convergence',
    namespace: 'rust_e2e_mixed_dag',
    name: 'complex_dag',
    version: '1.0.0',
    context: EVEN,
    stepsRun: 7,
    timeoutS: 15,
    steps: [
      step('dag_init', []),
      step('dag_process_left', ['dag_init']),
      step('dag_process_right', ['dag_init']),
      step('dag_validate', ['dag_process_left', 'dag_process_right'], 'multiply'),
      step('dag_transform', ['dag_process_left']),
      step('dag_analyze', ['dag_process_right']),
      step('dag_finalize', ['dag_validate', 'dag_transform', 'dag_analyze'], 'multiply'),
    ],
  },
  {
    id: 'tree',
    title: 'a root, two branches, four leaves, one convergence',
    namespace: 'rust_e2e_tree',
    name: 'hierarchical_tree',
    version: '1.0.0',
    context: EVEN,
    stepsRun: 8,
    timeoutS: 20,
    steps: [
      step('tree_root', []),
      step('tree_branch_left', ['tree_root']),
      step('tree_branch_right', ['tree_root']),
      step('tree_leaf_d', ['tree_branch_left']),
      step('tree_leaf_e', ['tree_branch_left']),
      step('tree_leaf_f', ['tree_branch_right']),
      step('tree_leaf_g', ['tree_branch_right']),
      step('tree_final_convergence', ['tree_leaf_d', 'tree_leaf_e', 'tree_leaf_f', 'tree_leaf_g'], 'multiply'),
    ],
  },
  {
    id: 'conditional',
    title: 'a decision that makes the steps after it',
    namespace: 'conditional_approval_rust',
    name: 'approval_routing',
    version: '1.0.0',
    context: { amount: 500, requester: 'benchmark', purpose: 'benchmark_test' },
    stepsRun: 4,
    timeoutS: 15,
    steps: [
      step('validate_request', [], 'validate'),
      step('routing_decision', ['validate_request'], 'route', 'decision'),
      step('auto_approve', ['routing_decision'], 'approve', 'deferred'),
      step('manager_approval', ['routing_decision'], 'approve', 'deferred'),
      step('finance_review', ['routing_decision'], 'approve', 'deferred'),
      step('finalize_approval', ['auto_approve', 'manager_approval', 'finance_review'], 'finalize', 'deferred'),
    ],
  },
  {
    id: 'batch',
    title: '1,000 rows cut into batches that run side by side',
    namespace: 'csv_processing_rust',
    name: 'csv_product_inventory_analyzer',
    version: '1.0.0',
    context: { analysis_mode: 'inventory' },
    stepsRun: 7,
    timeoutS: 45,
    steps: [
      step('analyze_csv', [], 'cut', 'batchable'),
      step('process_csv_batch', ['analyze_csv'], 'inventory', 'batch-worker'),
      step('aggregate_csv_results', ['process_csv_batch'], 'aggregate', 'deferred'),
    ],
  },
  {
    ...LINEAR,
    id: 'cluster_single',
    title: 'linear, one task at a time, on two orchestrations and two workers',
    timeoutS: 20,
    shape: { orchestrations: 2, workers: 2, concurrency: 1 },
  },
  {
    ...LINEAR,
    id: 'cluster_2x',
    title: 'linear, two tasks at once, on two orchestrations and two workers',
    timeoutS: 20,
    shape: { orchestrations: 2, workers: 2, concurrency: 2 },
  },
  {
    ...LINEAR,
    id: 'ffi',
    title: 'linear, with handlers in Python (needs python3)',
    namespace: 'linear_workflow_py',
    name: 'mathematical_sequence_py',
    timeoutS: 15,
    steps: inARow(['linear_step_1_py', 'linear_step_2_py', 'linear_step_3_py', 'linear_step_4_py']),
    runtime: 'python3',
  },
  {
    ...LINEAR,
    id: 'ffi_ruby',
    title: 'linear, with handlers in Ruby (needs ruby)',
    namespace: 'linear_workflow',
    timeoutS: 15,
    runtime: 'ruby',
  },
];

/** The scenario called `id`, or undefined. */
export function findScenario(id: string): Scenario | undefined {
  return SCENARIOS.find(scenario => scenario.id === id);
}

/** The scenario behind a task request's names, or undefined. */
export function findTemplate(namespace: string, name: string, version: string): Scenario | undefined {
  return SCENARIOS.find(
    scenario => scenario.namespace === namespace && scenario.name === name && scenario.version === version,
  );
}

/** The queue that the workers of a namespace read. */
export function workerQueue(namespace: string): string {
  return `worker_${namespace}_queue`;
}

/** The queue that the orchestration reads. */
export const RESULT_QUEUE = 'orchestration_step_results';

/**
 * What the workflow view needs of a task: the `tasks` of `tprof.breakdown/1` are of this shape, and any other source
 * can be. The parts of a step follow each other without a gap and fill it exactly.
 */
export interface WorkflowTask {
  readonly taskUuid: string;
  readonly name: string;
  readonly startNs: number;
  readonly wallNs: number;
  readonly steps: readonly WorkflowStep[];
}

export interface WorkflowStep {
  readonly stepUuid: string;
  readonly name: string;
  /** Steps that must be done before; those that are not in the task are passed over. */
  readonly dependsOn: readonly string[];
  readonly startNs: number;
  readonly wallNs: number;
  readonly parts: readonly WorkflowPart[];
}

export interface WorkflowPart {
  readonly kind: 'operation' | 'handler' | 'wait' | 'code' | 'unattributed';
  readonly phase: string;
  readonly id: string;
  readonly startNs: number;
  readonly durationNs: number;
  /** Done for other steps as well; counted once, with the step that needed it. */
  readonly shared?: boolean;
  /** Of a wait: the step whose work explains it. */
  readonly behind?: string | null;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Has the OpenTelemetry SDK of any language send to `endpoint`, and keep more than its defaults before it drops: under
 * load a queue of 2,048 spans overflows. Whatever is set already stays as it is.
 */
export function telemetryEnvironment(endpoint: string, existing: Environment): Record<string, string> {
  const wanted: Record<string, string> = {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    TELEMETRY_ENABLED: 'true',
    OTEL_LOGS_ENABLED: 'true',
    OTEL_BSP_MAX_QUEUE_SIZE: '65536',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '512',
    OTEL_BSP_SCHEDULE_DELAY: '500',
    OTEL_BLRP_MAX_QUEUE_SIZE: '65536',
    OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '512',
    OTEL_BLRP_SCHEDULE_DELAY: '500',
    OTEL_SPAN_EVENT_COUNT_LIMIT: '4096',
  };
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => existing[name] === undefined));
}

/** `--env K=V` over the environment that tprof was given. */
export function withAssignments(
  existing: Environment,
  assignments: readonly string[],
): Record<string, string | undefined> {
  const result: Record<string, string | undefined> = { ...existing };
  for (const assignment of assignments) {
    const at = assignment.indexOf('=');
    result[assignment.slice(0, at)] = assignment.slice(at + 1);
  }
  return result;
}

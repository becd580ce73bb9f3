/** The trace of a request (W3C Trace Context), as it comes in and as log lines carry it. */

/** https://www.w3.org/TR/trace-context/#traceparent-header. Later versions may append fields. */
const TRACEPARENT = /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/
const MAX_LENGTH = 256

/** What a log line carries of a trace; the names are OpenTelemetry's. */
export interface TraceFields {
  trace_id?: string
  span_id?: string
  trace_flags?: string
}

/**
 * Reads the header field `traceparent`.
 *
 * @returns it in the form of version 00 (55 characters), or null where it is not valid
 */
export function parseTraceparent(field: unknown): string | null {
  if (typeof field !== 'string' || field.length > MAX_LENGTH) return null
  const [, version, trace, span, flags, rest] = TRACEPARENT.exec(field) ?? []
  if (version === undefined || (version === '00' && rest !== undefined)) return null
  return `00-${trace}-${span}-${flags}`
}

/**
 * The fields of a log line for a trace.
 *
 * @param traceparent from `parseTraceparent`, as a request or a mail carries it
 */
export function traceFields(traceparent: string | null): TraceFields {
  if (traceparent === null) return {}
  const [, trace_id = '', span_id = '', trace_flags = ''] = traceparent.split('-')
  return { trace_id, span_id, trace_flags }
}

/**
 * OpenTelemetry's traces as OTLP/JSON (opentelemetry-proto, trace/v1; "JSON Protobuf Encoding"): what a collector takes
 * at `/v1/traces`. Pure but for the hash.
 */

import { createHash } from 'node:crypto';
import type { RunSpans, Span } from './spans.ts';

const INTERNAL = 1;
const ERROR = 2;

export function otlpTraces(runs: readonly RunSpans[]): string {
  return JSON.stringify({ resourceSpans: runs.map(resourceSpans) });
}

function resourceSpans(run: RunSpans) {
  const { command, spans } = run;
  const { traceId, parent } = contextOf(run);
  return {
    resource: {
      attributes: attributes({
        'service.name': 'runchart',
        'service.version': command.version,
        'process.pid': command.pid,
      }),
    },
    scopeSpans: [
      {
        scope: { name: 'runchart', version: command.version },
        spans: spans.map((span, index) => ({
          traceId,
          spanId: spanId(run.run, index),
          ...(span.parent !== undefined && { parentSpanId: spanId(run.run, span.parent) }),
          ...(span.parent === undefined && parent !== undefined && { parentSpanId: parent }),
          name: span.name,
          kind: INTERNAL,
          startTimeUnixNano: nanoseconds(span.start),
          endTimeUnixNano: nanoseconds(span.end),
          attributes: attributes({ ...span.attributes, ...performerOf(span) }),
          status: span.error === undefined ? {} : { code: ERROR, message: span.error },
        })),
      },
    ],
  };
}

const performerOf = ({ kind, pid }: Span) => (kind === 'batch' ? { 'runchart.performer.pid': pid } : {});

/** The trace that the command is a part of: its caller's, where TRACEPARENT named one. */
function contextOf({ run, command }: RunSpans): { readonly traceId: string; readonly parent?: string } {
  const [, traceId, parent] = command.traceparent?.split('-') ?? [];
  // All zeros are invalid (W3C Trace Context, "trace-id", "parent-id").
  if (traceId === undefined || parent === undefined || /^0*$/.test(traceId) || /^0*$/.test(parent))
    return { traceId: hash(run, 32) };
  return { traceId, parent };
}

/** The same for the same run, so that an export that is made twice says the same. */
const spanId = (run: string, index: number): string => hash(`${run}/${index}`, 16);

const hash = (text: string, digits: number): string => createHash('sha256').update(text).digest('hex').slice(0, digits);

/** A 64-bit integer is text in JSON. */
const nanoseconds = (seconds: number): string => String(BigInt(Math.round(seconds * 1e6)) * 1000n);

const attributes = (values: Readonly<Record<string, string | number>>) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: String(Math.round(value)) } : { stringValue: value },
  }));

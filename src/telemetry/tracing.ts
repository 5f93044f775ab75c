import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders } from 'node:http';

import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_ERROR_TYPE, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { Logger } from 'pino';

import { samplerOf, type Sampling } from './sampler.ts';

export interface TracingOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sampler: Sampling;
  /** Names this instance among those of the same name. */
  readonly instance: string;
  readonly log: Logger;
}

export interface SpanOptions {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/**
 * The traces of one gateway. Which span is at work is known from where it was begun, also across what it waits for; the
 * API's global state is not touched, so that two gateways in a process are two.
 */
export class Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  readonly #active = new AsyncLocalStorage<Context>();
  readonly #propagator = new W3CTraceContextPropagator();

  constructor({ url, headers, serviceName, attributes, sampler, instance, log }: TracingOptions) {
    // An exporter that reaches nobody says so here. It never stops the gateway.
    const tell = (message: string) => log.warn({ telemetry: message }, 'traces are not told');
    const quiet = () => undefined;
    diag.setLogger(
      { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    const exporter = new OTLPTraceExporter({ url, headers: { ...headers } });
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        'service.instance.id': instance,
        ...attributes,
        [ATTR_SERVICE_NAME]: serviceName,
      }),
      sampler: samplerOf(sampler),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
    });
    this.#tracer = this.#provider.getTracer('scratchpower-gateway');
  }

  /** Whether something is being traced here. */
  get isActive(): boolean {
    return this.#active.getStore() !== undefined;
  }

  /** Begins a span below the one at work, or below the one that the headers tell of. It is to be ended. */
  begin({ name, kind, attributes }: SpanOptions, headers?: IncomingHttpHeaders): Begun {
    const parent = headers === undefined ? (this.#active.getStore() ?? ROOT_CONTEXT) : this.#told(headers);
    const span = this.#tracer.startSpan(name, { kind, attributes }, parent);
    const context = trace.setSpan(parent, span);
    return {
      span,
      within: (work) => this.#active.run(context, work),
      headers: () => {
        const carrier: Record<string, string> = {};
        this.#propagator.inject(context, carrier, defaultTextMapSetter);
        return carrier;
      },
    };
  }

  /** A span around some work, which ends with it. */
  async around<T>(options: SpanOptions, work: () => Promise<T>): Promise<T> {
    const { span, within } = this.begin(options);
    try {
      return await within(work);
    } catch (error) {
      fail(span, error instanceof Error ? error.name : 'unknown');
      throw error;
    } finally {
      span.end();
    }
  }

  /** Tells what is not told yet. */
  async close(): Promise<void> {
    await this.#provider.shutdown();
  }

  #told(headers: IncomingHttpHeaders): Context {
    return this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  }
}

export interface Begun {
  readonly span: Span;
  /** Whatever begins within is below it. */
  readonly within: <T>(work: () => T) => T;
  /** By which another process goes on with the trace. */
  readonly headers: () => Readonly<Record<string, string>>;
}

/** Never the message, which may tell what is nobody's business (R9). */
export function fail(span: Span, type: string): void {
  span.setAttribute(ATTR_ERROR_TYPE, type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

import { z } from 'zod';

import { isHttpUrl, oneOf, port, text } from './values.ts';

const samplers = [
  ...['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off'],
  'parentbased_traceidratio',
] as const;

/** `a=1,b=2`, each value percent-encoded where it must be: as OpenTelemetry writes attributes and headers. */
const pairs = z
  .string()
  .transform((list) =>
    list
      .split(',')
      .filter((one) => one.trim() !== '')
      .map((one): [string, string] => {
        const at = one.indexOf('=');
        return [one.slice(0, Math.max(0, at)).trim(), decoded(one.slice(at + 1).trim())];
      }),
  )
  .refine((list) => list.every(([name]) => name !== ''), { error: 'must be NAME=VALUE separated by commas' })
  .transform((list): Readonly<Record<string, string>> => Object.fromEntries(list))
  .default({});

const url = z.string().trim().refine(isHttpUrl, { error: 'must be an http or https address' }).optional();

/** What operators see: docs/operations.md. The OTEL_ names and what they mean are OpenTelemetry's own. */
export const telemetryShape = {
  METRICS_HOST: text.default('127.0.0.1'),
  METRICS_PORT: port.optional(),
  LOG_FORMAT: oneOf(['json', 'pretty']).default('json'),
  OTEL_SDK_DISABLED: oneOf(['true', 'false']).default('false'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url,
  OTEL_EXPORTER_OTLP_HEADERS: pairs,
  OTEL_SERVICE_NAME: text.default('scratchpower-gateway'),
  OTEL_RESOURCE_ATTRIBUTES: pairs,
  OTEL_TRACES_SAMPLER: oneOf(samplers).default('parentbased_always_on'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number({ error: 'must be a number from 0 to 1' })
    .min(0, 'must be a number from 0 to 1')
    .max(1, 'must be a number from 0 to 1')
    .default(1),
};

type Values = z.output<z.ZodObject<typeof telemetryShape>>;

/** Where traces go, and which. */
export interface TracesConfig {
  readonly url: string;
  /** May hold a secret: never to be told. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly sampler: { readonly kind: (typeof samplers)[number]; readonly ratio: number };
}

/** Where `/metrics` is. */
export interface MetricsConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface TelemetryConfig {
  readonly logFormat: 'json' | 'pretty';
  /** Undefined: there are none. */
  readonly metrics: MetricsConfig | undefined;
  readonly traces: TracesConfig | undefined;
}

/** What belongs together wrongly; one line each. */
export function telemetryFaults(values: Values & { readonly PORT: number }): string[] {
  const { METRICS_PORT, PORT } = values;
  return METRICS_PORT !== undefined && METRICS_PORT !== 0 && METRICS_PORT === PORT
    ? ['METRICS_PORT is the same as PORT: metrics have a listener of their own, name another port']
    : [];
}

export function telemetryOf(values: Values): TelemetryConfig {
  const { METRICS_HOST: host, METRICS_PORT: port, LOG_FORMAT: logFormat } = values;
  return {
    logFormat,
    metrics: port === undefined ? undefined : { host, port },
    traces: tracesOf(values),
  };
}

function tracesOf(values: Values): TracesConfig | undefined {
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT;
  const whole = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const to = whole ?? (base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`);
  if (to === undefined || values.OTEL_SDK_DISABLED === 'true') return undefined;
  return {
    url: to,
    headers: values.OTEL_EXPORTER_OTLP_HEADERS,
    serviceName: values.OTEL_SERVICE_NAME,
    attributes: values.OTEL_RESOURCE_ATTRIBUTES,
    sampler: { kind: values.OTEL_TRACES_SAMPLER, ratio: values.OTEL_TRACES_SAMPLER_ARG },
  };
}

/** One that is not percent-encoded is meant as it stands. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

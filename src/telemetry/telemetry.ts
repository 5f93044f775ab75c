import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';

import type { Renewal } from '../datasources/session.ts';
import {
  Transport,
  type Carrier,
  type TransportOptions,
  type UpstreamCall,
} from '../datasources/transport.ts';
import type { Surface } from '../purchases/catalogue.ts';
import type { Journal } from '../purchases/journal.ts';
import type { Problem } from '../purchases/problem.ts';
import type { AroundCheck } from '../purchases/reconciler.ts';
import type { Runtime } from '../purchases/runtime.ts';
import type { CodeOf } from './failure.ts';
import { aroundJournal } from './journal.ts';
import { OperationNames } from './operation-names.ts';
import { sessionLog } from './session-log.ts';
import type { Watched } from './state-metrics.ts';
import type { Traced } from './traces.ts';
import type { TracingOptions } from './tracing.ts';

export interface TelemetryOptions {
  /** Where they are served; undefined: nothing is measured. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** Where they go; undefined: nothing is traced. */
  readonly traces: Omit<TracingOptions, 'instance' | 'log'> | undefined;
  readonly instance: string;
  readonly database: 'sqlite' | 'postgresql';
  /** Texts of the only operations whose names are told; undefined: there are none such. */
  readonly persisted: Iterable<string> | undefined;
  readonly codeOf: CodeOf;
  readonly runtime: Pick<Runtime, 'monotonic'>;
  readonly log: Logger;
}

/** What an integration is watched by. */
export interface IntegrationTelemetry {
  readonly observe: (call: UpstreamCall) => void;
  readonly onRenewal: (surface: Surface, how: Renewal, problem: Problem | undefined) => void;
  readonly connect?: (options: TransportOptions) => Carrier;
  readonly aroundCheck?: AroundCheck;
}

/** What operators see, as far as it is asked for. */
export interface Telemetry {
  plugins<C extends Traced>(): readonly Plugin<C>[];
  /** `log` is the integration's own. */
  integration(name: string, log: Logger): IntegrationTelemetry;
  /** The same journal, watched. */
  journal(journal: Journal): Journal;
  /** Serves the metrics; their address. Rejects when it cannot listen. */
  serve(watched: Watched): Promise<string | undefined>;
  close(): Promise<void>;
}

/** What is not asked for is not even loaded. */
export async function openTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { log, runtime, instance, database, codeOf } = options;
  const names = new OperationNames(options.persisted);
  const metrics = options.metrics && new (await import('./metrics.ts')).Metrics({ runtime, names, codeOf });
  const traces =
    options.traces &&
    new (await import('./traces.ts')).Traces({ ...options.traces, instance, log, names, codeOf, database });
  let server: { url: string; close(): Promise<void> } | undefined;
  return {
    // The innermost last: what it runs is what the others stand around.
    plugins: <C extends Traced>() =>
      [metrics?.plugin<C>(), traces?.plugin<C>()].filter((plugin) => plugin !== undefined),
    integration: (name, ownLog) => {
      const counts = metrics?.upstream(name);
      const logSession = sessionLog(ownLog);
      return {
        observe: (call) => {
          counts?.called(call);
          ownLog.debug({ upstream: call }, 'upstream call');
        },
        onRenewal: (surface, how, problem) => {
          counts?.renewed(surface, how, problem === undefined);
          logSession(surface, how, problem);
        },
        ...(traces && {
          connect: (wanted) => traces.carrier(new Transport(wanted), wanted),
          aroundCheck: (purchase, work) => traces.aroundCheck(purchase, work),
        }),
      };
    },
    journal: (journal) => {
      const traced = traces === undefined ? journal : aroundJournal(journal, traces.aroundJournal);
      return metrics?.journal(traced) ?? traced;
    },
    serve: async (watched) => {
      if (metrics === undefined || options.metrics === undefined) return undefined;
      server = await metrics.serve({ ...options.metrics, log }, watched);
      return server.url;
    },
    close: async () => {
      await server?.close();
      await traces?.close();
    },
  };
}

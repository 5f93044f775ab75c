import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { SpanKind, type Span } from '@opentelemetry/api';
import {
  ATTR_DB_OPERATION_NAME,
  ATTR_DB_SYSTEM_NAME,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from '@opentelemetry/semantic-conventions';
import type { Plugin } from 'graphql-yoga';

import type { Exchange, TransportOptions, Carrier } from '../datasources/transport.ts';
import type { Purchase } from '../purchases/purchase.ts';
import { failureOf, type CodeOf } from './failure.ts';
import type { AroundJournal } from './journal.ts';
import type { NamedOperation, OperationNames } from './operation-names.ts';
import { fail, Tracing, type TracingOptions } from './tracing.ts';

const PURCHASE_ID = 'scratchpower.purchase.id';
const REQUEST_ID = 'scratchpower.request_id';

/** What a plugin sees of an operation: its request, or over WebSocket the handshake. */
export interface Traced {
  readonly requestId: string;
  readonly req?: IncomingMessage | undefined;
}

/** Who stops waits no longer than this for spans that are not told yet. */
const CLOSE_MS = 3_000;

/** What a gateway does, as spans by OpenTelemetry's semantic conventions. Never variables, results or bodies (R9). */
export class Traces {
  readonly #tracing: Tracing;
  readonly #names: OperationNames;
  readonly #codeOf: CodeOf;
  readonly #database: 'sqlite' | 'postgresql';

  constructor(
    options: TracingOptions & { names: OperationNames; codeOf: CodeOf; database: 'sqlite' | 'postgresql' },
  ) {
    this.#tracing = new Tracing(options);
    this.#names = options.names;
    this.#codeOf = options.codeOf;
    this.#database = options.database;
  }

  /** One span an operation; of a subscription, until it runs. */
  plugin<C extends Traced>(): Plugin<C> {
    return {
      onExecute: ({ args, executeFn, setExecuteFn }) => {
        const { span, within } = this.#operation(this.#names.of(args), args.contextValue);
        setExecuteFn((given): unknown => within((): unknown => executeFn(given)));
        return {
          onExecuteDone: ({ result }) => {
            end(span, failureOf(result, this.#codeOf));
          },
        };
      },
      onSubscribe: ({ args, subscribeFn, setSubscribeFn }) => {
        const { span, within } = this.#operation(this.#names.of(args), args.contextValue);
        setSubscribeFn((given): unknown => within((): unknown => subscribeFn(given)));
        return {
          onSubscribeResult: ({ result }) => {
            end(span, failureOf(result, this.#codeOf));
          },
        };
      },
    };
  }

  /** What carries exchanges, with a span for each, which the upstream may go on from. */
  carrier(inner: Carrier, { origin, surface }: Pick<TransportOptions, 'origin' | 'surface'>): Carrier {
    const { hostname, port, protocol } = new URL(origin);
    const where = {
      [ATTR_SERVER_ADDRESS]: hostname,
      [ATTR_SERVER_PORT]: Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port),
      'scratchpower.surface': surface,
    };
    return {
      exchange: async (exchange: Exchange) => {
        const { method, path, endpoint, requestId } = exchange;
        const { span, within, headers } = this.#tracing.begin({
          // There is nothing in a path but the endpoint.
          name: `${method} ${path}`,
          kind: SpanKind.CLIENT,
          attributes: {
            ...where,
            [ATTR_HTTP_REQUEST_METHOD]: method,
            [ATTR_URL_FULL]: origin + path,
            'scratchpower.endpoint': endpoint,
            [REQUEST_ID]: requestId,
          },
        });
        try {
          const sent = await within(() => inner.exchange({ ...exchange, headers: headers() }));
          if (sent.kind !== 'ANSWERED') fail(span, sent.kind);
          else {
            span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, sent.answer.status);
            if (sent.answer.status >= 400) fail(span, String(sent.answer.status));
          }
          return sent;
        } finally {
          span.end();
        }
      },
      close: () => inner.close(),
    };
  }

  /** What the record is asked on behalf of something that is traced; what looks by itself each second is not. */
  readonly aroundJournal: AroundJournal = (call, work, purchaseId) => {
    if (!this.#tracing.isActive) return work();
    return this.#tracing.around(
      {
        name: `${call} journal`,
        kind: this.#database === 'sqlite' ? SpanKind.INTERNAL : SpanKind.CLIENT,
        attributes: {
          [ATTR_DB_SYSTEM_NAME]: this.#database,
          [ATTR_DB_OPERATION_NAME]: call,
          ...(purchaseId !== undefined && { [PURCHASE_ID]: purchaseId }),
        },
      },
      work,
    );
  };

  /** A look of the reconciler at a purchase: a trace of its own, which has the purchase's id in common with the sale's. */
  aroundCheck<T>({ id, reference, checks }: Purchase, work: () => Promise<T>): Promise<T> {
    return this.#tracing.around(
      {
        name: 'reconcile',
        kind: SpanKind.INTERNAL,
        attributes: {
          [PURCHASE_ID]: id,
          'scratchpower.purchase.reference': reference,
          'scratchpower.purchase.checks': checks,
        },
      },
      work,
    );
  }

  async close(): Promise<void> {
    const enough = new AbortController();
    await Promise.race([this.#tracing.close(), sleep(CLOSE_MS, undefined, enough).catch(() => undefined)]);
    enough.abort();
  }

  #operation({ kind, name }: NamedOperation, { requestId, req }: Traced) {
    return this.#tracing.begin(
      {
        // By the conventions: the name is the client's to choose.
        name: kind,
        kind: SpanKind.SERVER,
        attributes: {
          'graphql.operation.type': kind,
          'graphql.operation.name': name,
          [REQUEST_ID]: requestId,
        },
      },
      req?.headers ?? {},
    );
  }
}

function end(span: Span, failure: string | undefined): void {
  if (failure !== undefined) fail(span, failure);
  span.end();
}

import { sql, type Compilable, type CompiledQuery, type Kysely, type RawBuilder } from 'kysely';

import type { Tables } from './tables.ts';

/** Where a statement is compiled for: its database's own SQL. */
export interface Place {
  readonly db: Kysely<Tables>;
  /** Whether a row that is read in order to be written must be locked (`for update`): here others write meanwhile. */
  readonly locksRows: boolean;
}

/** Stands in a query for the value that comes with each run. */
export type Parameter<P> = <K extends keyof P & string>(name: K) => RawBuilder<P[K]>;

interface Compiled<P, R> {
  readonly query: CompiledQuery<R>;
  /** Of each of its parameters: the name of the value that comes with a run, or the value that is always the same. */
  readonly slots: readonly { readonly name: (keyof P & string) | undefined; readonly value: unknown }[];
}

/**
 * A query of what every purchase does: built and compiled once for each database, then run with other values. To build
 * it anew each time costs several times what SQLite takes to run it.
 */
export class Statement<P extends object, R> {
  readonly #build: (parameter: Parameter<P>, place: Place) => Compilable<R>;
  readonly #compiled = new WeakMap<object, Compiled<P, R>>();

  constructor(build: (parameter: Parameter<P>, place: Place) => Compilable<R>) {
    this.#build = build;
  }

  /** With these values, ready to be run. */
  with(place: Place, values: P): CompiledQuery<R> {
    // One for each opened database, however many connections it has.
    const { adapter } = place.db.getExecutor();
    let compiled = this.#compiled.get(adapter);
    if (compiled === undefined) {
      compiled = this.#compile(place);
      this.#compiled.set(adapter, compiled);
    }
    const { query, slots } = compiled;
    return {
      ...query,
      parameters: slots.map(({ name, value }) => (name === undefined ? value : values[name])),
    };
  }

  #compile(place: Place): Compiled<P, R> {
    const names = new Map<unknown, keyof P & string>();
    const parameter: Parameter<P> = (name) => {
      const hole = Symbol(name);
      names.set(hole, name);
      return sql`${hole}`;
    };
    const query = this.#build(parameter, place).compile();
    return { query, slots: query.parameters.map((value) => ({ name: names.get(value), value })) };
  }
}

/** Each column's parameter, for a row that is written whole. */
export function row<P extends object, K extends keyof P & string>(
  parameter: Parameter<P>,
  columns: readonly K[],
): { readonly [Column in K]: RawBuilder<P[Column]> } {
  const each = columns.map((column) => [column, parameter(column)] as const);
  // What TypeScript cannot see of entries: each column is there, with its own parameter.
  return Object.fromEntries(each) as { readonly [Column in K]: RawBuilder<P[Column]> };
}

/** `statement<Values>()(build)`: what it is given is named, what it returns is inferred. */
export function statement<P extends object>() {
  return <R>(build: (parameter: Parameter<P>, place: Place) => Compilable<R>) => new Statement<P, R>(build);
}

import { nameOf } from './show.ts';
import type { Endpoint, Surface } from './surfaces.ts';
import type { Reply } from './wire.ts';

/** One field of the wire: its name and the types it came with. No values. */
export interface WireName {
  readonly name: string;
  readonly types: readonly string[];
  /** Whether the contract names it. */
  readonly known: boolean;
}

export interface WireNames {
  readonly surface: Surface;
  readonly of: Endpoint | 'errors';
  readonly seen: readonly WireName[];
  /** Names of the contract that no answer had. */
  readonly unseen: readonly string[];
}

const session = ['access_token', 'access_in', 'token_type', 'refresh_token', 'scope'];
const me = ['id', 'username', 'role', 'organisation.code', 'organisation.name', 'roles[]'];
const accountFields = ['id', 'name', 'currency', 'category', 'type', 'status', 'rank', 'balance'];
const under = (prefix: string, names: readonly string[]) => names.map((name) => `${prefix}${name}`);
const charges = ['entry', 'net', 'total', 'charge', 'commission'];
const owner = ['identifier', 'name', 'address'];
const bought = [
  ...['id', 'reference', 'external_reference', 'status', ...under('subscriber.', owner)],
  ...under('transaction.', charges),
  ...['token', 'units', 'unit', 'receipt_number', 'created_at'],
];
const customer = under('customer.', ['name', 'address', 'meter_number']);
const boughtOnCurrent = [
  ...customer,
  ...under('transaction.', ['id', 'reference', 'external_reference', 'status', ...charges]),
  ...under('transaction.', ['token', 'units', 'receipt_number', 'timestamp']),
];

/** Every name that the contract has, by surface and endpoint. */
const contract: Readonly<Record<Surface, Partial<Record<Endpoint | 'errors', readonly string[]>>>> = {
  v1: {
    login: session,
    refresh: session,
    me,
    accounts: under('[].', accountFields),
    account: accountFields,
    products: under('[].', [
      ...['product_type', 'display_name', 'subscriber_id_label', 'subscriber_id_min_length'],
      ...['subscriber_id_max_length', 'subscriber_id_pattern', 'subscriber_id_hint'],
      ...['providers[].code', 'providers[].name'],
    ]),
    validate: [...under('subscriber.', owner), ...under('transaction.', charges)],
    confirm: bought,
    retry: bought,
    errors: under('error.', ['type', 'code', 'message', 'param', 'retryable', 'doc_url', 'request_id']),
  },
  current: {
    login: session,
    refresh: session,
    me: [
      ...me,
      ...under(
        'accounts[].',
        accountFields.filter((name) => name !== 'balance'),
      ),
    ],
    validate: [...customer, ...under('transaction.', charges)],
    confirm: boughtOnCurrent,
    retry: boughtOnCurrent,
    errors: ['response_code', 'response_message', 'timestamp', 'developer_message'],
  },
};
/** Names that the contract has, and that need not be there; or whose own names are anybody's. */
const optional = (surface: Surface, name: string) =>
  surface === 'current' && (name === 'accounts[].balance' || name === 'errors' || name.startsWith('errors.'));

/** Collects the names of every answer. */
export class Names {
  readonly #seen = new Map<string, Map<string, Set<string>>>();

  observe({ status, json, question: { surface, endpoint } }: Reply): void {
    if (json === undefined) return;
    const key = `${surface} ${status < 400 ? endpoint : 'errors'}`;
    const names = this.#seen.get(key) ?? new Map<string, Set<string>>();
    this.#seen.set(key, names);
    collect(json, '', names);
  }

  /** The names of an endpoint's answers so far. */
  of(surface: Surface, endpoint: Endpoint): readonly string[] {
    return [...(this.#seen.get(`${surface} ${endpoint}`)?.keys() ?? [])];
  }

  get all(): readonly WireNames[] {
    return Object.entries(contract).flatMap(([side, endpoints]) => {
      const surface: Surface = side === 'v1' ? 'v1' : 'current';
      return Object.entries(endpoints).flatMap(([endpoint, known]): WireNames[] => {
        const seen = this.#seen.get(`${surface} ${endpoint}`);
        if (seen === undefined) return [];
        return [
          {
            surface,
            of: endpoint as Endpoint,
            seen: [...seen].map(([name, types]) => ({
              ...{ name, types: [...types].sort() },
              known: known.includes(name) || optional(surface, name),
            })),
            unseen: known.filter((name) => !seen.has(name)),
          },
        ];
      });
    });
  }
}

function collect(value: unknown, name: string, names: Map<string, Set<string>>): void {
  if (Array.isArray(value)) {
    if (value.length === 0) note(names, `${name}[]`, 'none');
    for (const one of value) collect(one, `${name}[]`, names);
    return;
  }
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value);
    if (fields.length === 0 && name !== '') note(names, name, 'object');
    for (const [key, inner] of fields) {
      collect(inner, name === '' ? nameOf(key) : `${name}.${nameOf(key)}`, names);
    }
    return;
  }
  note(names, name === '' ? '(the body)' : name, value === null ? 'null' : typeof value);
}

function note(names: Map<string, Set<string>>, name: string, type: string): void {
  const types = names.get(name) ?? new Set();
  names.set(name, types.add(type));
}

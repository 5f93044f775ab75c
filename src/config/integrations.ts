import { readFileSync } from 'node:fs';

import { z } from 'zod';

import { isHttpUrl, text } from './values.ts';

/** One ScratchPower integration that is served. */
export interface IntegrationConfig {
  /** By which a caller's key or token names it. */
  readonly name: string;
  readonly upstream: {
    readonly baseUrl: string;
    readonly surface: 'V1' | 'CURRENT';
    readonly credentials: {
      readonly clientId: string;
      readonly clientSecret: string;
      readonly username: string;
      readonly password: string;
      readonly orgCode: string;
    };
  };
  /** The only accounts that may be seen and debited; undefined: all that ScratchPower tells. */
  readonly accounts: ReadonlySet<number> | undefined;
  /** Exact decimal text, of each currency; undefined: no limit. Those of a day are of all its callers together. */
  readonly limits: { readonly perPurchase?: string | undefined; readonly perDay?: string | undefined };
}

type Env = Readonly<Record<string, string | undefined>>;

/** What the one integration that the environment names by itself is called. */
const ONLY = 'default';

const baseUrl = text.refine(
  isHttpUrl,
  'must be an http or https address, such as https://api.staging.scratchpower.com',
);
const surface = z
  .enum(['v1', 'current'], { error: 'must be one of: v1, current' })
  .default('v1')
  .transform((name) => (name === 'v1' ? ('V1' as const) : ('CURRENT' as const)));

const single = z.object({
  SCRATCHPOWER_BASE_URL: baseUrl,
  SCRATCHPOWER_SURFACE: surface,
  SCRATCHPOWER_CLIENT_ID: text,
  SCRATCHPOWER_CLIENT_SECRET: text,
  SCRATCHPOWER_USERNAME: text,
  SCRATCHPOWER_PASSWORD: text,
  SCRATCHPOWER_ORG_CODE: text,
});
const singleNames = Object.keys(single.shape);

export const integrationNames: readonly string[] = [...singleNames, 'INTEGRATIONS_FILE'];

/** Where a secret stands: never in the file itself, which may be kept with the other settings. */
const reference = z.union(
  [z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })],
  {
    error:
      'must tell where it stands, {"env": "NAME"} or {"file": "/run/secrets/name"}: no secret stands in this file itself',
  },
);

const misspelt = (issue: { code?: string; keys?: readonly string[] }) =>
  issue.code === 'unrecognized_keys'
    ? `has what is not known: ${issue.keys?.join(', ') ?? ''}. Correct it, or take it out`
    : issue.code === 'invalid_type'
      ? 'is missing, or is no object'
      : undefined;

function fileModel(env: Env) {
  const secret = reference.transform((where, context) => {
    const found = resolve(where, env);
    if (typeof found === 'string') return found;
    context.addIssue({ code: 'custom', message: found.wrong });
    return z.NEVER;
  });
  const plainOrNot = z.union([text, secret], {
    error: 'must be text, or tell where it stands: {"env": "NAME"} or {"file": "/run/secrets/name"}',
  });
  const amount = z
    .string({ error: 'must be an amount as text, such as "500.00"' })
    .regex(/^\d{1,12}(\.\d{1,4})?$/, 'must be an amount as text, such as "500.00"')
    .refine((value) => Number(value) > 0, 'must be more than zero');
  const integration = z.strictObject(
    {
      name: z
        .string({ error: 'is missing' })
        .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be 1 to 32 of a-z, 0-9 and -, and begin with a letter'),
      baseUrl,
      surface,
      credentials: z.strictObject(
        {
          clientId: plainOrNot,
          clientSecret: secret,
          username: plainOrNot,
          password: secret,
          orgCode: plainOrNot,
        },
        { error: misspelt },
      ),
      accounts: z
        .array(
          z
            .int('must be the number of an account, such as 13209')
            .positive('must be the number of an account, such as 13209'),
          {
            error: 'must be a list of account numbers, such as [13209]',
          },
        )
        .min(1, 'is empty: name an account, or leave it out for all of them')
        .optional(),
      limits: z
        .strictObject({ perPurchase: amount.optional(), perDay: amount.optional() }, { error: misspelt })
        .default({}),
    },
    { error: misspelt },
  );
  const integrations = z
    .array(integration, { error: 'is missing, or is no list' })
    .min(1, 'is empty: name an integration');
  return z.strictObject({ integrations }, { error: misspelt });
}

function resolve(where: z.output<typeof reference>, env: Env): string | { readonly wrong: string } {
  if ('env' in where) {
    const value = env[where.env]?.trim() ?? '';
    return value === '' ? { wrong: `names the environment variable ${where.env}, which is not set` } : value;
  }
  try {
    const value = readFileSync(where.file, 'utf8').trim();
    return value === '' ? { wrong: `names the file ${where.file}, which is empty` } : value;
  } catch (error) {
    return { wrong: `names the file ${where.file}, which cannot be read (${codeOf(error)})` };
  }
}

/** The integrations that are served, or every fault of what names them. */
export function readIntegrations(env: Env): {
  readonly integrations: readonly IntegrationConfig[];
  readonly faults: readonly string[];
} {
  const path = env['INTEGRATIONS_FILE']?.trim() ?? '';
  if (path === '') return readSingle(env);
  const both = singleNames.filter((name) => (env[name] ?? '') !== '');
  const faults =
    both.length === 0
      ? []
      : [
          `INTEGRATIONS_FILE names the integrations, and so does ${both.join(', ')}: take one of the two away`,
        ];
  const read = readFile(path, env);
  return { integrations: read.integrations, faults: [...faults, ...read.faults] };
}

function readSingle(env: Env): ReturnType<typeof readIntegrations> {
  const parsed = single.safeParse(env);
  if (!parsed.success) {
    return {
      integrations: [],
      faults: parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`),
    };
  }
  const { data } = parsed;
  const upstream = {
    baseUrl: data.SCRATCHPOWER_BASE_URL,
    surface: data.SCRATCHPOWER_SURFACE,
    credentials: {
      clientId: data.SCRATCHPOWER_CLIENT_ID,
      clientSecret: data.SCRATCHPOWER_CLIENT_SECRET,
      username: data.SCRATCHPOWER_USERNAME,
      password: data.SCRATCHPOWER_PASSWORD,
      orgCode: data.SCRATCHPOWER_ORG_CODE,
    },
  };
  return { integrations: [{ name: ONLY, upstream, accounts: undefined, limits: {} }], faults: [] };
}

function readFile(path: string, env: Env): ReturnType<typeof readIntegrations> {
  const fault = (message: string) => `INTEGRATIONS_FILE ${path} ${message}`;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // What JSON.parse says quotes the file, where somebody may have put a secret after all.
    const wrong = error instanceof SyntaxError ? 'is no valid JSON' : `cannot be read (${codeOf(error)})`;
    return { integrations: [], faults: [fault(wrong)] };
  }
  const parsed = fileModel(env).safeParse(json);
  const faults = [
    ...(parsed.error?.issues.map((one) => fault(`${placeOf(one.path)} ${one.message}`)) ?? []),
    ...namesTwice(json).map((name) => fault(`integrations: ${name} is named twice`)),
  ];
  if (!parsed.success || faults.length > 0) return { integrations: [], faults };
  const integrations = parsed.data.integrations.map(({ name, accounts, limits, ...upstream }) => {
    return { name, upstream, accounts: accounts && new Set(accounts), limits };
  });
  return { integrations, faults: [] };
}

/** Also where something else is wrong. */
function namesTwice(json: unknown): string[] {
  const named = z.object({ integrations: z.array(z.object({ name: z.string() }).catch({ name: '' })) });
  const names = named.safeParse(json).data?.integrations.map(({ name }) => name) ?? [];
  return [...new Set(names.filter((name, at) => name !== '' && names.indexOf(name) !== at))];
}

/** As one writes it: integrations[0].credentials.password. */
function placeOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

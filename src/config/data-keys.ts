import { readFileSync } from 'node:fs';

/** A key under which data lies sealed in the record. */
export interface DataKeyConfig {
  readonly id: string;
  readonly key: Uint8Array;
}

type Env = Readonly<Record<string, string | undefined>>;

export const dataKeyNames = ['DATA_KEYS', 'DATA_KEYS_FILE'] as const;

const KEY_BYTES = 32;
const HOW = 'write ID:KEY, where ID is of a-z, 0-9 and - and KEY is what `openssl rand -base64 32` prints';

/** The keys, the current one first; none: nothing is sealed. Never tells a key in a fault. */
export function readDataKeys(env: Env): {
  readonly dataKeys: readonly DataKeyConfig[];
  readonly faults: readonly string[];
} {
  const [list, path] = dataKeyNames.map((name) => env[name]?.trim() ?? '');
  if (list !== '' && path !== '') {
    return { dataKeys: [], faults: ['DATA_KEYS and DATA_KEYS_FILE are both set: take one of the two away'] };
  }
  if (path === undefined || path === '') return parse('DATA_KEYS', list ?? '');
  const name = `DATA_KEYS_FILE ${path}`;
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    return { dataKeys: [], faults: [`${name} cannot be read (${code})`] };
  }
  const read = parse(name, content);
  // A file was named, so keys were meant.
  return read.dataKeys.length === 0 && read.faults.length === 0
    ? { dataKeys: [], faults: [`${name} has no key: ${HOW}`] }
    : read;
}

function parse(name: string, list: string): ReturnType<typeof readDataKeys> {
  const faults: string[] = [];
  const dataKeys: DataKeyConfig[] = [];
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  for (const [at, entry] of entries.entries()) {
    const [, id, text] = /^([a-z0-9][a-z0-9-]{0,31}):([A-Za-z0-9+/_-]+={0,2})$/.exec(entry) ?? [];
    const key = Buffer.from(text ?? '', 'base64');
    if (id === undefined || key.length !== KEY_BYTES) {
      faults.push(`${name}: key ${at + 1} is none of ${KEY_BYTES} bytes: ${HOW}`);
    } else if (dataKeys.some((one) => one.id === id)) {
      faults.push(`${name}: ${id} is named twice`);
    } else {
      dataKeys.push({ id, key });
    }
  }
  return faults.length > 0 ? { dataKeys: [], faults } : { dataKeys, faults };
}

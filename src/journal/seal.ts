import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

import { UnreadableError } from '../purchases/journal.ts';

/** A key under which data lies sealed. */
export interface DataKey {
  /** Written beside what it seals; no secret. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** How what is personal, or as good as cash, lies in the record. */
export interface Seal {
  /** Under which key new writes lie; null: in plain text. */
  readonly current: string | null;
  /** As it is stored. `place` is what it belongs to: what is moved to another place cannot be opened there. */
  close(place: string, text: string): string;
  /** What was stored, under whatever key, or before there was one. Throws when it is not what was closed for this place. */
  open(place: string, stored: string): string;
  /** As a text that is searched for is stored: the same text of one integration is always the same. */
  mark(integration: string, text: string): string;
  /** Every way in which it may be stored: under each key, and from before there was one. */
  marks(integration: string, text: string): readonly string[];
  /** Whether it is stored under the current key. */
  isCurrent(stored: string): boolean;
}

/** `sealed:1:KEY:` and base64url of nonce, ciphertext and tag; `marked:1:KEY:` and base64url of the keyed hash. */
const SEALED = /^sealed:1:([a-z0-9-]+):([\w-]+)$/;
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The record as it is without keys. */
export const unsealed: Seal = sealWith([]);

/** Seals under the first of the keys, and opens under any of them (AES-256-GCM; searched for by HMAC-SHA-256). */
export function sealWith(keys: readonly DataKey[]): Seal {
  const [current, ...older] = keys.map(({ id, key }) => ({
    id,
    sealing: derived(key, 'sealing'),
    marking: derived(key, 'marking'),
  }));
  const all = current === undefined ? [] : [current, ...older];
  const byId = new Map(all.map((one) => [one.id, one]));
  const markUnder = ({ id, marking }: (typeof all)[number], integration: string, text: string) => {
    const hash = createHmac('sha256', marking).update(`${integration}\n${text}`).digest('base64url');
    return `marked:1:${id}:${hash}`;
  };
  return {
    current: current?.id ?? null,
    close(place, text) {
      if (current === undefined) return plain(text);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current.sealing, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(place));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `sealed:1:${current.id}:${sealed.toString('base64url')}`;
    },
    open(place, stored) {
      const [, id, sealed] = SEALED.exec(stored) ?? [];
      if (id === undefined || sealed === undefined) return stored;
      const key = byId.get(id);
      if (key === undefined)
        throw new UnreadableError(
          `the record is sealed under the key ${id}, which DATA_KEYS lacks: ${place}`,
        );
      const bytes = Buffer.from(sealed, 'base64url');
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv(ALGORITHM, key.sealing, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(place));
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString('utf8');
      } catch {
        throw new UnreadableError(
          `the record is damaged, or was changed: what lies sealed under the key ${id} as ${place} does not open`,
        );
      }
    },
    mark: (integration, text) =>
      current === undefined ? plain(text) : markUnder(current, integration, text),
    marks: (integration, text) => [...all.map((one) => markUnder(one, integration, text)), plain(text)],
    isCurrent: (stored) =>
      current !== undefined && new RegExp(`^(sealed|marked):1:${current.id}:`).test(stored),
  };
}

/** One key, one purpose. */
function derived(key: Uint8Array, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, new Uint8Array(), `scratchpower-gateway ${purpose}`, 32));
}

/**
 * Plain text never looks sealed, whoever wrote it. It is stored as `models.ts` has it, where a backslash begins an escape:
 * so this one is read back as it was.
 */
function plain(text: string): string {
  return /^(sealed|marked):/.test(text) ? `\\u00${text.charCodeAt(0).toString(16)}${text.slice(1)}` : text;
}

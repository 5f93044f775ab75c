import { decodeGlobalID } from '@pothos/plugin-relay';

/** The inner id of an opaque id of that type; null when it is none. */
export function resolveGlobal(typename: 'Account' | 'Quote' | 'Purchase', globalId: string): string | null {
  const decoded = decode(globalId);
  return decoded?.typename === typename ? decoded.id : null;
}

/** Type and inner id of any opaque id; null when it is none. */
export function decode(globalId: string): { typename: string; id: string } | null {
  try {
    const { typename, id } = decodeGlobalID(globalId);
    return { typename, id };
  } catch {
    return null;
  }
}

/** An account's number from its opaque id; null when it is none. */
export function accountNumberOf(globalId: string): number | null {
  const id = resolveGlobal('Account', globalId);
  return id !== null && /^\d{1,15}$/.test(id) ? Number(id) : null;
}

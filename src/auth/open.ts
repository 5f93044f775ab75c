import type { Log, Runtime } from '../purchases/runtime.ts';
import { apiKeyAuthenticator } from './api-key.ts';
import type { Authenticator } from './authenticator.ts';
import { localCaller } from './caller.ts';
import { jwtAuthenticator, type JwtOptions } from './jwt.ts';
import type { KeyStore } from './key-store.ts';

type Mode =
  | { readonly mode: 'none' }
  | { readonly mode: 'api-key' }
  | ({ readonly mode: 'jwt' } & Omit<JwtOptions, 'runtime' | 'log'>);

/** The authenticator of a mode. Rejects when the keys of callers cannot be read. */
export async function openAuthenticator(
  mode: Mode,
  options: {
    readonly store: Pick<KeyStore, 'live'>;
    readonly runtime: Pick<Runtime, 'now' | 'monotonic' | 'sleep'>;
    readonly log: Log;
  },
): Promise<Authenticator> {
  switch (mode.mode) {
    case 'none': {
      const admission = { caller: localCaller };
      return { admit: () => Promise.resolve(admission), close: () => Promise.resolve() };
    }
    case 'api-key':
      return apiKeyAuthenticator(options);
    case 'jwt':
      return jwtAuthenticator({ ...mode, ...options });
  }
}

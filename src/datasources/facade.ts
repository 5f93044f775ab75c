import type { Product, Surface } from '../purchases/catalogue.ts';
import { sameForSame } from '../purchases/same-for-same.ts';
import type { Upstream } from '../purchases/vending.ts';
import { createCurrent } from './current/client.ts';
import { electricity } from './current/wire.ts';
import type { SurfaceOptions, SurfaceState } from './surface-client.ts';
import { createV1 } from './v1/client.ts';

export interface UpstreamOptions extends SurfaceOptions {
  /** The surface that is used where nobody names one. */
  readonly surface: Surface;
}

/** Both surfaces, and how they are. */
export interface WatchedUpstream extends Upstream {
  state(surface: Surface): SurfaceState;
}

/** Both surfaces of one ScratchPower, on the same credentials; each logs in when it is first needed. */
export function createUpstream(options: UpstreamOptions): WatchedUpstream {
  const baseUrl = options.baseUrl.replace(/\/+$/, '').replace(/\/v1$/, '');
  const v1 = createV1({ ...options, baseUrl });
  const current = createCurrent({ ...options, baseUrl });
  const surfaces = {
    V1: {
      ...v1,
      products: async (...call: Parameters<typeof v1.products>) => onBoth(await v1.products(...call)),
    },
    CURRENT: current,
  };
  return {
    defaultSurface: options.surface,
    on: (surface) => surfaces[surface],
    state: (surface) => surfaces[surface].state(),
    close: async () => {
      await Promise.all([v1.close(), current.close()]);
    },
  };
}

const onBoth = sameForSame((products: readonly Product[]): readonly Product[] => products.map(alsoOnCurrent));

/** [D] Current sells electricity of its one provider too. */
function alsoOnCurrent(product: Product): Product {
  const codes = electricity.providers.map(({ code }) => code);
  const both =
    product.type === electricity.type && product.providers.some(({ code }) => codes.includes(code));
  return both ? { ...product, surfaces: ['V1', 'CURRENT'] } : product;
}

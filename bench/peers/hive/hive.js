// Hive Gateway before the upstream's REST, composed from an OpenAPI document as its guide shows it.
import { createServer } from 'node:http';
import { env } from 'node:process';

import { createGatewayRuntime } from '@graphql-hive/gateway-runtime';
import { getUnifiedGraphGracefully } from '@graphql-mesh/fusion-composition';
import { loadOpenAPISubgraph } from '@omnigraph/openapi';

import { logIn } from '../../sandbox.ts';
import { baseUrl, listening } from '../upstream.ts';

const cwd = import.meta.dirname;
const nothing = () => undefined;
const logger = { log: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
const load = loadOpenAPISubgraph('scratchpower', {
  ...{ source: './openapi.json', cwd, endpoint: baseUrl },
  operationHeaders: { authorization: `Bearer ${await logIn(env)}` },
});
const { name, schema$ } = load({ fetch: globalThis.fetch, cwd, logger: { ...logger, child: () => logger } });
const supergraph = getUnifiedGraphGracefully([{ name, schema: await schema$ }]);
const gateway = createGatewayRuntime({ supergraph, logging: false });
const server = createServer(gateway);
server.listen(0, '127.0.0.1', () => listening(`http://127.0.0.1:${server.address().port}`));

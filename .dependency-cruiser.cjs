// The rooms (README, "The rooms"): a room imports only what its line names. Everything else is an error.
const rooms = {
  purchases: [],
  config: [],
  journal: ['purchases', 'auth'],
  datasources: ['purchases'],
  auth: ['purchases'],
  schema: ['auth', 'purchases'],
  http: ['schema', 'auth', 'purchases'],
  telemetry: ['datasources', 'purchases'],
  operator: ['journal', 'purchases', 'auth', 'config'],
  'system-runtime': ['purchases'],
  gateway: [
    ...['system-runtime', 'telemetry', 'http', 'schema', 'auth', 'purchases', 'journal', 'datasources'],
    'config',
  ],
  server: ['gateway', 'telemetry', 'config'],
  index: ['gateway', 'config'],
};

const room = (name) => `^src/${name}(/|\\.ts$)`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([name, allowed]) => ({
      name: `room-${name}`,
      severity: 'error',
      comment: `src/${name} may import only: ${[...allowed, name].join(', ')}`,
      from: { path: room(name) },
      to: { path: '^(src|sandbox|probe|cli|scripts|test|bench)/', pathNot: [name, ...allowed].map(room) },
    })),
    {
      name: 'every-file-has-a-room',
      severity: 'error',
      comment: 'a file in src belongs to one of the rooms above',
      from: { path: '^src/', pathNot: Object.keys(rooms).map(room) },
      to: {},
    },
    {
      name: 'sandbox-stands-alone',
      severity: 'error',
      comment: 'the sandbox is written from the contract, not from what the gateway happens to send',
      from: { path: '^sandbox/' },
      to: { path: '^(src|probe|cli|scripts|test|bench)/' },
    },
    {
      name: 'probe-stands-alone',
      severity: 'error',
      comment:
        'the probe is written from the contract; of the gateway it takes the environment and the terminal',
      from: { path: '^probe/' },
      to: {
        path: '^(src|sandbox|cli|scripts|test|bench)/',
        pathNot: '^src/(config|operator/terminal)\\.ts$',
      },
    },
    {
      name: 'example-stands-alone',
      severity: 'error',
      comment: 'the example knows the gateway as any frontend team does: by its schema',
      from: { path: '^examples/' },
      to: { path: '^(src|sandbox|cli|scripts|test|bench)/' },
    },
    {
      name: 'domain-is-pure',
      severity: 'error',
      comment: 'purchases knows no GraphQL, no HTTP, no SQL',
      from: { path: '^src/purchases/' },
      to: {
        path: 'node_modules/(graphql|graphql-yoga|graphql-ws|@pothos|kysely|libsql|pg|undici|ws|pino)(/|$)',
      },
    },
    {
      name: 'schema-is-pothos-only',
      severity: 'error',
      from: { path: '^src/schema/' },
      to: {
        path: '(node_modules/(kysely|libsql|pg|undici|ws|graphql-yoga|graphql-ws)(/|$)|^(node:)?https?$)',
      },
    },
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependency-in-src',
      severity: 'error',
      from: { path: '^(src|sandbox|probe|cli)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // A project of its own, which is not always installed.
    exclude: { path: '^bench/peers/hive/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

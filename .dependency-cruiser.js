// The table of the packages, executed. Each rule was seen to fail on a planted violation;
// scripts/test/boundaries.test.ts plants them.

/**
 * Which of our packages the code of a package may import. `types`: those of which it may import types alone.
 */
const PACKAGES = {
  errors: { may: [] },
  archive: { may: ['errors'] },
  database: { may: ['errors'] },
  'bot-api-emulator': { may: [] },
  'telegram-service': { may: ['errors', 'archive'] },
  connectors: { may: ['errors', 'archive'], types: ['telegram-service'] },
  vault: { may: ['errors', 'archive', 'database', 'telegram-service'] },
  engine: { may: ['errors', 'archive', 'database', 'telegram-service', 'connectors', 'vault'] },
  'api-gateway': { may: ['engine', 'database', 'errors'] },
  // HTTP alone.
  web: { may: [] },
  cli: { may: ['engine', 'api-gateway', 'bot-api-emulator', 'database', 'errors'] },
}

/** Folders of a package that may import more than the rest of it. */
const ALSO = {
  // The specification's library sends by itself.
  'api-gateway/src/lib': ['vault', 'telegram-service'],
  // Its requests are for the objects of the vault.
  'api-gateway/src/restic': ['vault', 'telegram-service'],
  // Where everything is put together.
  'cli/src/serve': ['telegram-service'],
}

const ALL = Object.keys(PACKAGES)
const anyOf = names => `^(${names.join('|')})/`

const importTable = ALL.flatMap(name => {
  const { may, types = [] } = PACKAGES[name]
  const exceptions = Object.keys(ALSO).filter(folder => folder.startsWith(`${name}/`))
  const allowed = [name, ...may]
  return [
    {
      name: `${name}-imports-only-what-it-may`,
      severity: 'error',
      from: {
        path: `^${name}/(src|bin)/`,
        pathNot: ['__tests__', ...exceptions.map(folder => `^${folder}/`)],
      },
      to: {
        path: anyOf([...ALL, 'test-support', 'scripts', 'torture']),
        pathNot: anyOf([...allowed, ...types]),
      },
    },
    ...exceptions.map(folder => ({
      name: `${folder.replaceAll('/', '-')}-imports-only-what-it-may`,
      severity: 'error',
      from: { path: `^${folder}/`, pathNot: '__tests__' },
      to: {
        path: anyOf([...ALL, 'test-support', 'scripts', 'torture']),
        pathNot: anyOf([...allowed, ...ALSO[folder]]),
      },
    })),
    ...(types.length === 0
      ? []
      : [
          {
            name: `${name}-imports-types-alone-of-${types.join('-')}`,
            severity: 'error',
            // To open a file is the chat's own way as well: there is one function for it.
            from: { path: `^${name}/src/`, pathNot: '/stream/file-source\\.ts$' },
            to: { path: anyOf(types), dependencyTypesNot: ['type-only'] },
          },
        ]),
  ]
})

/** A library that only one package knows. */
const ONE_PACKAGE = {
  pg: 'database',
  kysely: 'database',
  'pg-boss': 'engine',
  express: 'api-gateway',
  react: 'web',
  commander: 'cli',
}
const libraries = Object.entries(ONE_PACKAGE).map(([library, owner]) => ({
  name: `${library}-is-known-to-${owner}-alone`,
  severity: 'error',
  from: { path: '^[^/]+/(src|bin)/', pathNot: [`^${owner}/`, '__tests__'] },
  to: { path: `node_modules/${library}/` },
}))

export default {
  forbidden: [
    ...importTable,
    ...libraries,
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-circles-of-folders',
      severity: 'error',
      scope: 'folder',
      // There the specification has its tests beside what they test.
      from: { path: '^[^/]+/src', pathNot: '^api-gateway/src/lib' },
      to: { circular: true },
    },
    {
      name: 'a-kind-of-source-knows-no-other',
      severity: 'error',
      // What runs in threads is started by its name, and belongs to a kind each.
      from: { path: '^connectors/src/([^/]+)/', pathNot: '^connectors/src/threads/' },
      to: { path: '^connectors/src/[^/]+/', pathNot: ['^connectors/src/$1/', '^connectors/src/programs/'] },
    },
    {
      name: 'a-kind-of-source-is-reached-by-the-registry',
      severity: 'error',
      from: {
        path: '^(engine|connectors/src/[^/]+[.]ts)',
        // One variable names the folder of PostgreSQL's programs; links that lead out are read from a record.
        pathNot: [
          '/test/',
          '^connectors/src/registry.ts',
          '^engine/src/(environment|backup/recorded-facts).ts',
        ],
      },
      to: { path: '^connectors/src/[^/]+/', pathNot: '^connectors/src/programs/' },
    },
    {
      name: 'nothing-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '^(bun|deno):' },
    },
    {
      name: 'declared-dependencies-only',
      severity: 'error',
      from: { path: '^[^/]+/(src|bin)/', pathNot: '__tests__' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
    },
    {
      name: 'archive-is-built-on-age-alone',
      severity: 'error',
      from: { path: '^archive/src/' },
      to: { path: 'node_modules', pathNot: 'node_modules/(age-encryption|@types/node)' },
    },
    {
      name: 'no-relative-imports',
      severity: 'error',
      from: { path: '^[^/]+/(src|test|bench)/|^test-support/' },
      to: { dependencyTypes: ['local'], dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'production-code-knows-no-tests',
      severity: 'error',
      from: { path: '^[^/]+/(src|bin)/', pathNot: '__tests__' },
      to: { path: '/(test|__tests__)/|^test-support/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // What is made, not written. By its whole path: many libraries have a `dist` themselves.
    exclude: { path: '^(build|web/dist|web/src/api/generated|(archive|cli)/test/golden)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js'],
    },
  },
}

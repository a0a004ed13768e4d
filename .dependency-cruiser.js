// The import table of the design, executed. Everything here was seen to fail on a planted violation; a test plants one.
const PACKAGES = {
  archive: [],
  'telegram-service': ['archive'],
  database: [],
  'bot-api-emulator': [],
  'api-gateway': ['archive', 'telegram-service', 'database', 'bot-api-emulator'],
}

/** Which of our packages a package may import. */
const importTable = Object.entries(PACKAGES).map(([folder, allowed]) => ({
  name: `${folder}-imports-only-what-it-may`,
  severity: 'error',
  from: { path: `^${folder}/(src|bin)/` },
  to: {
    path: '^(archive|telegram-service|database|bot-api-emulator|api-gateway|scripts)/',
    pathNot: `^(${[folder, ...allowed].join('|')})/`,
  },
}))

export default {
  forbidden: [
    ...importTable,
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
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
      from: { path: '^[^/]+/(src|test|bench)/' },
      to: { dependencyTypes: ['local'], dependencyTypesNot: ['aliased'] },
    },
    {
      // Adapters are made in one place. The demo and the emulator command run the emulator itself; that is their job.
      name: 'only-wiring-opens-adapters',
      severity: 'error',
      from: {
        path: '^api-gateway/src/(cli|restore|doctor|config)',
        pathNot: 'config\\.ts|emulator-command|checks\\.ts',
      },
      to: { path: '^(telegram-service|bot-api-emulator)/src/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'inner-code-is-given-its-adapters',
      severity: 'error',
      from: {
        path: '^api-gateway/src/(http|jobs|monitoring|restore|retention|schedules|serve|settling|sources|verification)/',
      },
      to: { path: '^api-gateway/src/wiring\\.ts$' },
    },
    {
      name: 'the-library-knows-no-command-line',
      severity: 'error',
      from: { path: '^api-gateway/src/lib/' },
      to: { path: '^api-gateway/src/(cli|demo|doctor)' },
    },
    {
      name: 'production-code-knows-no-tests',
      severity: 'error',
      from: { path: '^[^/]+/(src|bin)/', pathNot: '__tests__' },
      to: { path: '/(test|__tests__)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(build|golden)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js'],
    },
  },
}

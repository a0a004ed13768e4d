import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'
import { SlowestFirst } from './scripts/slowest-first.ts'

/**
 * Packages whose test files share the processes they run in: each module is loaded once for a process instead
 * of once for a file. Only for tests that leave no state of modules behind.
 */
const SHARED_PROCESSES: string[] = [
  'bot-api-emulator/test/**/*.test.ts',
  'connectors/test/**/*.test.ts',
  'errors/test/**/*.test.ts',
  'web/test/**/*.test.ts',
]

const config: ViteUserConfig = defineConfig({
  test: {
    exclude: [
      '**/node_modules/**',
      '**/*.system.test.ts',
      '**/*.servers.test.ts',
      '**/*.page.test.ts',
      '**/*.doors.test.ts',
      // A suite of its own: vitest.crashes.config.ts.
      '**/*.crashes.test.ts',
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'own processes',
          include: [
            '*/test/**/*.test.ts',
            'api-gateway/src/**/__tests__/**/*.test.ts',
            'scripts/test/**/*.test.ts',
          ],
          exclude: SHARED_PROCESSES,
          globalSetup: './test-support/catalog-server.ts',
        },
      },
      {
        extends: true,
        test: {
          name: 'shared processes',
          include: SHARED_PROCESSES,
          isolate: false,
          // What a test has replaced is back before the next one.
          restoreMocks: true,
          unstubEnvs: true,
          unstubGlobals: true,
        },
      },
    ],
    // Tests wait for servers, pipes and clocks: three keep two cores busy. Of two cores, vitest would use
    // one.
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    // Limits are for what hangs: on a busy machine anything takes many times as long. So a condition is
    // waited for as long as a test.
    testTimeout: 240_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 200_000 } },
    env: COMPILED_MODULES,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

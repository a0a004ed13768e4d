import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'
import { SlowestFirst } from './scripts/slowest-first.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: [
      '*/test/**/*.test.ts',
      'api-gateway/src/**/__tests__/**/*.test.ts',
      'scripts/test/**/*.test.ts',
    ],
    exclude: [
      '**/node_modules/**',
      '**/*.system.test.ts',
      '**/*.servers.test.ts',
      '**/*.page.test.ts',
      '**/*.doors.test.ts',
      // A suite of its own: vitest.crashes.config.ts.
      '**/*.crashes.test.ts',
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
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

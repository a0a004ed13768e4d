import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['scripts/acceptance/**/*.test.ts'],
    // One of the two files waits for minutes to pass; the other one is done meanwhile.
    maxWorkers: 2,
    // Real minutes pass. ACCEPTANCE_MINUTES and ACCEPTANCE_OUTAGE_SECONDS make it longer.
    testTimeout: 30 * 60_000,
    hookTimeout: 120_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 110_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

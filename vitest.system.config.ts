import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['*/test/**/*.system.test.ts', 'scripts/test/**/*.system.test.ts'],
    // Tests wait for servers, pipes and clocks: three keep two cores busy. Of two cores, vitest would use
    // one.
    maxWorkers: 3,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 110_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

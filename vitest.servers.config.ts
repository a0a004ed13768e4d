import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['*/test/**/*.servers.test.ts'],
    // Each starts servers and moves much: a server, its client and the pipeline between them take turns, so
    // two keep two cores busy. Of two cores, vitest would use one.
    maxWorkers: 2,
    testTimeout: 900_000,
    hookTimeout: 300_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 110_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

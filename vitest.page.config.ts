import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['web/test/page/**/*.page.test.ts'],
    // Each has a browser, which keeps a core busy by itself.
    maxWorkers: 2,
    testTimeout: 240_000,
    hookTimeout: 120_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 110_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['web/test/page/**/*.page.test.ts'],
    // Each has a browser, which keeps a core busy by itself.
    maxWorkers: 2,
    // Limits are for what hangs: a test waits for a browser, a server and `serve`, which all start with it.
    testTimeout: 600_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 110_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

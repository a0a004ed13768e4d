import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['*/{src,test}/**/*.crashes.test.ts'],
    // Most tests wait for processes and servers: three keep two cores busy. Of two cores, vitest would use
    // one.
    maxWorkers: 3,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 290_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

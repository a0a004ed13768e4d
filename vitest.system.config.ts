import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['*/test/**/*.system.test.ts', 'scripts/test/**/*.system.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 110_000 } },
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

import { defineConfig, type ViteUserConfig } from 'vitest/config'

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
      // Suites of their own: vitest.crashes.config.ts.
      'api-gateway/test/{settling,recovery}/**',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['api-gateway/test/{settling,recovery}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/*.system.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

import { defineConfig, type UserConfig } from 'vitest/config'

const config: UserConfig = defineConfig({
  test: {
    include: [
      '*/test/**/*.test.ts',
      'api-gateway/src/**/__tests__/**/*.test.ts',
      'scripts/test/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/*.system.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { COMPILED_MODULES } from './scripts/compiled-modules.ts'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['*/test/**/*.doors.test.ts'],
    // Most of the time passes in waiting for turns of the chat's pace: two keep two cores busy.
    maxWorkers: 2,
    testTimeout: 300_000,
    // restic's own suite is compiled first.
    hookTimeout: 400_000,
    // As in vitest.config.ts.
    expect: { poll: { timeout: 110_000 } },
    env: COMPILED_MODULES,
    globalSetup: './test-support/catalog-server.ts',
    reporters: ['default', './scripts/summary-reporter.ts'],
  },
})

export default config

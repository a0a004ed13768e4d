import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** Lines of an error's stack, and of the difference between two values, that a failure is told with. */
const STACK_LINES = 15
const DIFFERENCE_LINES = 40

/**
 * Prints what failed, a block each that starts with `FAILED`, and `N passed, N failed` as the last line, where a test that
 * was skipped has failed. A log of CI is long and may be kept from its end only: `.ci/run` repeats these blocks there.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<SerializedError>): void {
    let passed = 0
    let skipped = 0
    const failures = unhandledErrors.map(error => block('outside of a test', [error]))
    for (const module of modules) {
      const errors = module.errors()
      if (errors.length > 0) failures.push(block(module.relativeModuleId, errors))
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') passed++
        else if (result.state !== 'failed') skipped++
        else failures.push(block(`${module.relativeModuleId} > ${test.fullName}`, result.errors ?? []))
      }
    }
    process.stdout.write(`\n${failures.join('')}${passed} passed, ${failures.length + skipped} failed\n`)
  }
}

function block(name: string, errors: ReadonlyArray<SerializedError>): string {
  const told = errors.flatMap(error => [
    ...(error.stack ?? error.message).split('\n').slice(0, STACK_LINES),
    ...String(error['diff'] ?? '')
      .split('\n')
      .slice(0, DIFFERENCE_LINES),
  ])
  const lines = told.map(line => `    ${stripVTControlCharacters(line)}\n`)
  return `FAILED ${name}\n${lines.join('')}\n`
}

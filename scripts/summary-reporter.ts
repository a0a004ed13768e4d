import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from 'vitest/node'

/** Lines of an error's stack, and of the difference between two values, that a failure is told with. */
const STACK_LINES = 15
const DIFFERENCE_LINES = 40

/**
 * Prints what failed, a block each that starts with `FAILED`, what passed only when it was tried again, which
 * is a fault too, with `PASSED LATE`, and `N passed, N failed` as the last line, where a test that was
 * skipped has failed, except by `-t`, which asks for others. A log of CI is long and may be kept from its end
 * only: `.ci/run` repeats these blocks there.
 */
export default class SummaryReporter implements Reporter {
  #wanted: RegExp | undefined

  onInit({ config }: Vitest): void {
    this.#wanted = config.testNamePattern
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<SerializedError>): void {
    let passed = 0
    let skipped = 0
    const late: string[] = []
    const failures = unhandledErrors.map(error => block('FAILED outside of a test', [error]))
    for (const module of modules) {
      const errors = module.errors()
      if (errors.length > 0) failures.push(block(`FAILED ${module.relativeModuleId}`, errors))
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result()
        const name = `${module.relativeModuleId} > ${test.fullName}`
        if (state === 'passed') passed++
        else if (state === 'failed') failures.push(block(`FAILED ${name}`, errors))
        else if (this.#isWanted(test)) skipped++
        if (test.diagnostic()?.flaky) late.push(block(`PASSED LATE ${name}`, errors))
      }
    }
    const blocks = [...late, ...failures].join('')
    process.stdout.write(`\n${blocks}${passed} passed, ${failures.length + skipped} failed\n`)
  }

  /** `-t` compares names that are joined by spaces. */
  #isWanted({ fullName }: TestCase): boolean {
    return this.#wanted === undefined || this.#wanted.test(fullName.replaceAll(' > ', ' '))
  }
}

function block(title: string, errors: ReadonlyArray<SerializedError>): string {
  const told = errors.flatMap(error => [
    ...(error.stack ?? error.message).split('\n').slice(0, STACK_LINES),
    ...String(error['diff'] ?? '')
      .split('\n')
      .slice(0, DIFFERENCE_LINES),
  ])
  const lines = told.map(line => `    ${stripVTControlCharacters(line)}\n`)
  return `${title}\n${lines.join('')}\n`
}

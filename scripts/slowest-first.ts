import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files of `npm test` that take ten times as long as the others. */
const SLOWEST: readonly string[] = [
  'database/test/catalog-embedded.test.ts',
  'cli/test/demo.test.ts',
  'scripts/test/pack.test.ts',
  'cli/test/init/init.test.ts',
  'api-gateway/test/http/ranges.test.ts',
]

/**
 * A long file that begins last keeps one processor waiting. Vitest knows how long the files took before, but
 * a fresh clone has no before: there it goes by the sizes of the files. Files that share processes are short
 * and come last, in a row: vitest ends such a process when the next file wants one of its own.
 */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isSlow = ({ moduleId }: TestSpecification): boolean =>
      SLOWEST.some(path => moduleId.endsWith(`/${path}`))
    const {
      slow = [],
      others = [],
      sharing = [],
    } = Object.groupBy(await super.sort(files), file =>
      isSlow(file) ? 'slow' : file.project.config.isolate ? 'others' : 'sharing',
    )
    return [...slow, ...others, ...sharing]
  }
}

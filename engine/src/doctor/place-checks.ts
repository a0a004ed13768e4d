import { assertReadableDirectory } from '@telegram-backup/connectors/directory/pack/directory-checks.ts'
import { assertReadableFile } from '@telegram-backup/connectors/stream/file-checks.ts'
import { BackupError } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import { readConfigFile } from '#config/config-file.ts'
import { type Check, type CheckScope, type DoctorCheck, type Finding, perform } from '#doctor/check.ts'
import { checkDatabase } from '#doctor/database-check.ts'
import { checkTarget } from '#doctor/target-check.ts'

/** How many places are looked at at the same time, and for how long at each. */
const AT_ONCE = 8
const ONE_PLACE_MS = 15_000

/** Looks at each source and target of telegram-backup.yaml itself: whether a backup could be made of it now. */
export async function placeChecks(scope: CheckScope): Promise<Check[]> {
  // What is wrong with the file, its own check says.
  const file = await readConfigFile(scope.config).catch(() => undefined)
  if (file === undefined) return []
  const waiting: DoctorCheck[] = [
    ...file.sourceNames.map(name => ({
      name: `source ${name}`,
      look: within(async ({ signal }) => checkSource(planNamedSource(name, file), signal)),
    })),
    ...file.targetNames.map(name => ({
      name: `target ${name}`,
      look: within(async ({ signal }) => checkTarget(file.target(name), signal)),
    })),
  ]
  const found: Check[] = []
  const next = waiting.entries()
  const work = async (): Promise<void> => {
    for (const [index, check] of next) found[index] = await perform(check, scope)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return found
}

async function checkSource({ source, type }: SendPlan, signal: AbortSignal): Promise<Finding> {
  switch (source.kind) {
    case 'postgres': {
      const found = await checkDatabase(source, signal)
      if (type === 'database') return found
      return { ...found, warning: odd(`it is a database, and its type is ${type}`) }
    }
    case 'directory':
      await assertReadableDirectory(source.path)
      return {
        message: `${source.path} can be read`,
        ...(type === 'database' ? { warning: odd('it is a directory, and its type is database') } : {}),
      }
    case 'file':
      await assertReadableFile(source.path)
      return { message: `${source.path} can be read` }
    case 'stdin':
      return { message: 'standard input' }
  }
}

function odd(words: string): string {
  return `Set its type to what it is (${words}): retention and lists go by the type.`
}

/** A place that gives no answer, a share whose server is gone for example, is told of like one that is not there. */
function within(look: DoctorCheck['look']): DoctorCheck['look'] {
  return async ({ config, signal }) => {
    const late = AbortSignal.timeout(ONE_PLACE_MS)
    const end = AbortSignal.any([signal, late])
    const ended = Promise.withResolvers<never>()
    const stop = (): void => ended.reject(noAnswer(late.aborted))
    end.addEventListener('abort', stop, { once: true })
    if (end.aborted) stop()
    try {
      return await Promise.race([look({ config, signal: end }), ended.promise])
    } finally {
      end.removeEventListener('abort', stop)
    }
  }
}

function noAnswer(isLate: boolean): BackupError {
  if (!isLate) return new BackupError('Cancelled', { code: 'CANCELLED' })
  return new BackupError(`it gave no answer within ${ONE_PLACE_MS / 1000} seconds`, {
    code: 'UNREACHABLE',
    hint: 'Check whether the server or the share behind it answers.',
  })
}

import { connectorOf, restoreOf } from '@telegram-backup/connectors/registry.ts'
import { BackupError } from '@telegram-backup/errors'
import { planNamedSource } from '#backup/named-source.ts'
import type { SendPlan } from '#backup/send-plan.ts'
import { type ConfigFile, readConfigFile } from '#config/config-file.ts'
import type { TargetSettings } from '#config/config-file-schema.ts'
import { type Check, type CheckScope, type DoctorCheck, type Finding, perform } from '#doctor/check.ts'
import { targetIn } from '#restore/restore-target.ts'

const AT_ONCE = 8
const ONE_PLACE_MS = 15_000

/** Connects to each source and target of telegram-backup.yaml, and checks whether it could be used now. */
export async function placeChecks(scope: CheckScope): Promise<Check[]> {
  // The check of the file reports what is wrong with it.
  const file = await readConfigFile(scope.config).catch(() => undefined)
  if (file === undefined) return []
  const waiting: DoctorCheck[] = [
    ...file.sourceNames.map(name => sourceCheck(name, file)),
    ...file.targetNames.map(name => ({
      name: `target ${name}`,
      look: within(async ({ signal }) => checkTarget(file.target(name), signal)),
    })),
  ]
  const found: (Check | undefined)[] = []
  const next = waiting.entries()
  const work = async (): Promise<void> => {
    for (const [index, check] of next) found[index] = await perform(check, scope)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return found.filter(check => check !== undefined)
}

/** Whether a backup of this source could be made now. Fails when it gives no answer in time. */
export function sourceCheck(name: string, file: Pick<ConfigFile, 'source'>): DoctorCheck<PlaceScope> {
  return {
    name: `source ${name}`,
    look: within(async ({ signal }) => checkSource(await planNamedSource(name, file), signal)),
  }
}

type PlaceScope = Pick<CheckScope, 'signal'>

async function checkSource({ source, type }: SendPlan, signal: AbortSignal): Promise<Finding> {
  return await connectorOf(source).check(source, { type, signal })
}

async function checkTarget(settings: TargetSettings, signal: AbortSignal): Promise<Finding> {
  const target = await targetIn(settings)
  return (await restoreOf(target).check?.(target, signal)) ?? { message: 'not checked' }
}

/** Fails for a place that does not answer in time, such as a share whose server is gone. */
function within(look: DoctorCheck<PlaceScope>['look']): DoctorCheck<PlaceScope>['look'] {
  return async ({ signal }) => {
    const late = AbortSignal.timeout(ONE_PLACE_MS)
    const end = AbortSignal.any([signal, late])
    const ended = Promise.withResolvers<never>()
    const stop = (): void => ended.reject(noAnswer(late.aborted))
    end.addEventListener('abort', stop, { once: true })
    if (end.aborted) stop()
    try {
      return await Promise.race([look({ signal: end }), ended.promise])
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

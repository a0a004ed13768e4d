import { CONNECTORS } from '@telegram-backup/connectors/registry.ts'
import { checkBuckets } from '#doctor/bucket-checks.ts'
import { checkCatalog } from '#doctor/catalog-checks.ts'
import { type Check, type CheckScope, type DoctorCheck, failed, perform } from '#doctor/check.ts'
import { checkEncryption, checkIdentity, checkRecoveryKey, checkSigningKey } from '#doctor/key-checks.ts'
import { placeChecks } from '#doctor/place-checks.ts'
import { checkConfigFile, checkDrills, checkNotifications } from '#doctor/setting-checks.ts'
import { checkChat, checkPartSize, checkSecondChat } from '#doctor/vault-checks.ts'
import type { Config } from '#environment.ts'

/** Checks that need no settings: they run even when the settings cannot be read. */
const PROGRAMS: readonly DoctorCheck<Pick<CheckScope, 'signal'>>[] = CONNECTORS.flatMap(
  ({ programs = [] }) => programs,
).map(({ name, look }) => ({ name, look: ({ signal }) => look(signal) }))

/** In the order of the report. A new check is a function that takes a `CheckScope`, and a line here. */
const CHECKS: readonly DoctorCheck[] = [
  { name: 'chat', look: checkChat },
  { name: 'second chat', look: checkSecondChat },
  { name: 'part size', look: checkPartSize },
  { name: 'encryption', look: checkEncryption },
  { name: 'key file', look: checkIdentity },
  { name: 'recovery key', look: checkRecoveryKey },
  { name: 'signing key', look: checkSigningKey },
  { name: 'catalog', look: checkCatalog },
  { name: 'buckets', look: checkBuckets },
  ...PROGRAMS,
  { name: 'sources', look: checkConfigFile },
  { name: 'notifications', look: checkNotifications },
  { name: 'drills', look: checkDrills },
]

/**
 * Checks everything that a backup needs, in parallel. It sends nothing, but creates an embedded catalog if
 * there is none. When a setting cannot be read, it reports that, and the checks that need no settings.
 * @param options.isFast does not connect to the sources and targets
 */
export async function runChecks(
  readConfig: () => Config,
  { signal, isFast }: { signal: AbortSignal; isFast: boolean },
): Promise<Check[]> {
  let config: Config
  try {
    config = readConfig()
  } catch (error) {
    const { hint, ...settings } = failed('settings', error)
    const next = 'The other checks need this first.'
    return [
      { ...settings, hint: hint === undefined ? next : `${hint} ${next}` },
      ...found(await Promise.all(PROGRAMS.map(check => perform(check, { signal })))),
    ]
  }
  const scope = { config, signal }
  const [checks, places] = await Promise.all([
    Promise.all(CHECKS.map(check => perform(check, scope))),
    isFast ? [] : placeChecks(scope),
  ])
  return found([...checks, ...places])
}

function found(checks: readonly (Check | undefined)[]): Check[] {
  return checks.filter(check => check !== undefined)
}

import { CONNECTORS } from '@telegram-backup/connectors/registry.ts'
import { checkCatalog } from '#doctor/catalog-checks.ts'
import { type Check, type CheckScope, type DoctorCheck, failed, perform } from '#doctor/check.ts'
import { checkDrills } from '#doctor/drill-check.ts'
import { checkEncryption, checkIdentity, checkSigningKey } from '#doctor/key-checks.ts'
import { checkNotifications } from '#doctor/notification-check.ts'
import { placeChecks } from '#doctor/place-checks.ts'
import { checkConfigFile } from '#doctor/source-checks.ts'
import { checkChat, checkPartSize, checkSecondChat } from '#doctor/vault-checks.ts'
import type { Config } from '#environment.ts'

/** What needs no setting: looked at also where the settings cannot be read. */
const PROGRAMS: readonly DoctorCheck<Pick<CheckScope, 'signal'>>[] = CONNECTORS.flatMap(
  ({ programs = [] }) => programs,
).map(({ name, look }) => ({ name, look: ({ signal }) => look(signal) }))

/**
 * In the order in which they are told. A new one is a function that takes a `CheckScope`, and a line here.
 */
const CHECKS: readonly DoctorCheck[] = [
  { name: 'chat', look: checkChat },
  { name: 'second chat', look: checkSecondChat },
  { name: 'part size', look: checkPartSize },
  { name: 'encryption', look: checkEncryption },
  { name: 'key file', look: checkIdentity },
  { name: 'signing key', look: checkSigningKey },
  { name: 'catalog', look: checkCatalog },
  ...PROGRAMS,
  { name: 'sources', look: ({ config }) => checkConfigFile(config) },
  { name: 'notifications', look: ({ config }) => checkNotifications(config) },
  { name: 'drills', look: async ({ config }) => checkDrills(config) },
]

/**
 * Looks at everything that a backup needs, all at once. It sends nothing; an embedded catalog is made if
 * there is none. Where a setting cannot be read, that is told, with what needs none.
 * @param options.isFast leaves out the look at the sources and targets themselves
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
    const next = 'The rest is looked at when this can be read.'
    return [
      { ...settings, hint: hint === undefined ? next : `${hint} ${next}` },
      ...(await Promise.all(PROGRAMS.map(check => perform(check, { signal })))),
    ]
  }
  const scope = { config, signal }
  const [checks, places] = await Promise.all([
    Promise.all(CHECKS.map(check => perform(check, scope))),
    isFast ? [] : placeChecks(scope),
  ])
  return [...checks, ...places]
}

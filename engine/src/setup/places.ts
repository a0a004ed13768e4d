import type { TypedPlace } from '@telegram-backup/connectors/connector.ts'
import { type AnyConnector, CONNECTORS, connectorOf } from '@telegram-backup/connectors/registry.ts'
import { BackupError } from '@telegram-backup/errors'
import type { BackupType } from 'telegram-deployment-bot'
import { planNamedSource } from '#backup/named-source.ts'
import { planSource } from '#backup/send-plan.ts'
import type { ConfigFile } from '#config/config-file.ts'
import { holdsVariable } from '#config/config-variables.ts'
import type { GivenPlace } from '#setup/setup.ts'

/** A place that was read, and the type of its backups. */
export interface NamedPlace extends TypedPlace {
  setting: string
  type: BackupType
}

/**
 * Reads places, each once. With `check`, also makes sure that each can be backed up now. Throws `USAGE`, and
 * why one of them cannot be backed up.
 */
export async function readPlaces(
  given: readonly GivenPlace[],
  check?: { project: string; signal: AbortSignal },
): Promise<NamedPlace[]> {
  const places = new Map<string, NamedPlace>()
  for (const { setting, place: typed } of given) {
    const { setup } = connectorFor(setting)
    const { type } = setup
    if (holdsVariable(typed)) {
      throw new BackupError(`A name between \${ and } in ${setting} stands for a variable`, {
        code: 'USAGE',
        hint: 'Give the value itself, or write the source into telegram-backup.yaml.',
      })
    }
    const read = { ...(await setup.read(typed)), setting, type }
    if (check !== undefined) {
      const { source } = planSource({ project: check.project, type, [setting]: typed })
      await connectorOf(source).check(source, { type, signal: check.signal })
    }
    places.set(`${setting} ${read.place}`, read)
  }
  return [...places.values()]
}

function connectorFor(setting: string): AnyConnector & Required<Pick<AnyConnector, 'setup'>> {
  const connector = CONNECTORS.find(({ place }) => place === setting)
  if (connector?.setup === undefined) throw new TypeError(`No set-up knows the setting ${setting}`)
  return { ...connector, setup: connector.setup }
}

/** Throws why a source of the file could not be backed up now. */
export async function checkNamedSource(
  name: string,
  file: Pick<ConfigFile, 'source'>,
  signal: AbortSignal,
): Promise<void> {
  const { source, type } = await planNamedSource(name, file)
  await connectorOf(source).check(source, { type, signal })
}

import { join } from 'node:path'
import type { Database } from '@telegram-backup/database'
import { createFile, isThere } from '#durable-files.ts'
import { writeCard } from '#recovery-card/card.ts'
import { gatherFacts } from '#recovery-card/card-facts.ts'
import type { Setup, Staged } from '#setup/setup.ts'

const FILE_NAME = 'recovery-card.txt'

export interface KnownCard {
  file: string
  /** The text of a card that this run wrote. */
  text: string | undefined
}

/** Writes the recovery card; one that is there stays, since a printed copy of it may be in use. */
export async function setUpCard(setup: Setup, database: Database): Promise<Staged<KnownCard>> {
  const { folder, settings, hooks } = setup
  const file = join(folder, FILE_NAME)
  if (await isThere(file)) return { state: 'there', message: file, result: { file, text: undefined } }
  const facts = await gatherFacts({ config: settings.config(), signal: hooks.signal }, database)
  const text = writeCard(facts)
  await createFile(file, `${text}\n`)
  return {
    state: 'made',
    message: `${file}; print it, and keep it with the recovery key`,
    result: { file, text },
  }
}

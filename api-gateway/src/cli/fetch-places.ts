import type { Database } from '@telegram-backup/database'
import type { TelegramClient } from 'telegram-deployment-bot'
import type { CommandContext } from '#cli/command.ts'
import { describeError } from '#lib/backups/backup-error.ts'
import type { FetchPlan } from '#lib/backups/fetch-plan.ts'
import { openCatalog } from '#wiring.ts'

/**
 * Works with a plan whose documents are looked for by their messages and in the second chat as well, where their file ids
 * do not lead to them. The catalog is opened only when that is needed, and closed in the end.
 */
export async function withPlaces<Result>(
  { config, output, signal }: CommandContext,
  from: { plan: FetchPlan; client: TelegramClient },
  work: (plan: FetchPlan) => Promise<Result>,
): Promise<Result> {
  const { withOtherPlaces } = await import('#recovery/part-places.ts')
  let opened: Promise<Database> | undefined
  const catalog = (): Promise<Database> => {
    opened ??= openCatalog(config, signal)
    return opened
  }
  const note = (text: string): void => output.note(`note: ${text}`)
  try {
    return await work(withOtherPlaces(from.plan, { client: from.client, catalog, note, signal }))
  } finally {
    await opened
      ?.then(database => database.close())
      .catch((error: unknown) => output.note(`warning: ${describeError(error).message}`))
  }
}

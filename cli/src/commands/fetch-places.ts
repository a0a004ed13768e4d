import type { Database } from '@telegram-backup/database'
import { openCatalog } from '@telegram-backup/engine/wiring.ts'
import { describeError } from '@telegram-backup/errors'
import type { FetchPlan } from '@telegram-backup/vault/fetch/fetch-plan.ts'
import type { TelegramClient } from 'telegram-deployment-bot'
import type { CommandContext } from '#commands/command.ts'

/**
 * Works with a plan whose documents are looked for by their messages and in the second chat as well, where their file ids
 * do not lead to them. The catalog is opened only when that is needed, and closed in the end.
 */
export async function withPlaces<Result>(
  { config, output, signal }: CommandContext,
  from: { plan: FetchPlan; client: TelegramClient },
  work: (plan: FetchPlan) => Promise<Result>,
): Promise<Result> {
  const { withOtherPlaces } = await import('@telegram-backup/vault/fetch/part-places.ts')
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

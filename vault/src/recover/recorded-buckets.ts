import { ownerOf } from '#recover/ownership.ts'
import { prepareFor, type ReadChat } from '#recover/read-chat.ts'
import type { RecoveryTools } from '#recover/recovery-setup.ts'

/**
 * Stage 4 for buckets, after all chats were read: a pack that one chat has lost may be in the other, and the
 * records of packs count in the order of their numbers. In stage 6 again, for what came meanwhile.
 */
export async function recordBuckets(tools: RecoveryTools, chats: readonly ReadChat[]): Promise<void> {
  const { botId } = tools.client
  const [first] = chats
  const owner = first && ownerOf(tools.documents, first.search, first.captionOwner)
  await tools.buckets.record({
    catalogId: owner?.catalogId,
    indexes: chats.flatMap(({ buckets }) => buckets),
    scans: chats.map(({ reader, scan }) => ({ reader, botId, packs: scan.packs })),
    prepare: async () => {
      if (first !== undefined) await prepareFor(tools, owner)
    },
  })
}

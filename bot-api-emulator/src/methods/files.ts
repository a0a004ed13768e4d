import { refusal } from '#answers.ts'
import { decodeFileId, fileUniqueId } from '#files/file-ids.ts'
import { extensionOf } from '#files/file-names.ts'
import type { MethodCall } from '#methods/method.ts'
import type { StoredDocument } from '#world/records.ts'
import type { Json } from '#world/showing.ts'

/** getFile: a path that stays the same while it is valid; asking again prolongs it. */
export function getFile(call: MethodCall): Json {
  const fileId = call.parameters.text('file_id')
  if (fileId === '') throw refusal('fileIdMissing')
  const reference = decodeFileId(call.world.fileIdKey, fileId)
  if (reference === undefined) throw refusal('fileIdInvalid')
  const document = call.world.documents.get(reference.documentNumber)
  if (reference.botId !== call.bot.id || document === undefined) throw refusal('fileUnavailable')
  if (document.sizeBytes > call.limits.maxDownloadBytes) throw refusal('fileTooBig')
  return {
    file_id: fileId,
    file_unique_id: fileUniqueId(call.world.fileIdKey, document.number),
    file_size: document.sizeBytes,
    file_path: grantPath(call, document),
  }
}

/** Paths carry a counter of the bot's and the extension; the name is lost. An expired path never comes back. */
function grantPath({ world, bot, limits }: MethodCall, document: StoredDocument): string {
  const now = world.clock.now()
  const granted = world.filePathsOf(bot.id)
  const valid = granted.find(
    filePath =>
      filePath.documentNumber === document.number && now < filePath.grantedAtMs + limits.filePathLifetimeMs,
  )
  const extension = extensionOf(document.fileName)
  const fresh = `documents/file_${granted.length}${extension === '' ? '' : `.${extension}`}`
  const path = valid?.path ?? fresh
  world.commit({
    kind: 'file-path',
    filePath: { botId: bot.id, documentNumber: document.number, path, grantedAtMs: now },
  })
  return path
}

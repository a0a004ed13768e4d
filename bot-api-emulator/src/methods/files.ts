import { refusal } from '#answers.ts'
import { decodeFileId, fileUniqueId } from '#files/file-ids.ts'
import { extensionOf } from '#files/file-names.ts'
import type { MethodCall } from '#methods/method.ts'
import type { StoredDocument } from '#world/records.ts'
import type { Json } from '#world/showing.ts'

/**
 * getFile: a path that stays the same while it is valid; asking again prolongs it. Without one, the file is
 * fetched first.
 */
export function getFile(call: MethodCall): Json {
  const fileId = call.parameters.text('file_id')
  if (fileId === '') throw refusal('fileIdMissing')
  const reference = decodeFileId(call.world.fileIdKey, fileId)
  if (reference === undefined) throw refusal('fileIdInvalid')
  const document = call.world.documents.get(reference.documentNumber)
  if (reference.botId !== call.bot.id || document === undefined) throw refusal('fileUnavailable')
  if (document.sizeBytes > call.limits.maxDownloadBytes) throw refusal('fileTooBig')
  if (validPath(call, document) === undefined) call.turn.fetchFile(document.sizeBytes)
  return {
    file_id: fileId,
    file_unique_id: fileUniqueId(call.world.fileIdKey, document.number),
    file_size: document.sizeBytes,
    file_path: grantPath(call, document),
  }
}

/**
 * Paths carry a counter of the bot's and the extension; the name is lost. An expired path never comes back.
 */
function grantPath(call: MethodCall, document: StoredDocument): string {
  const { world, bot } = call
  const extension = extensionOf(document.fileName)
  const fresh = `documents/file_${world.filePathsOf(bot.id).length}${extension === '' ? '' : `.${extension}`}`
  const path = validPath(call, document) ?? fresh
  const grantedAtMs = world.clock.now()
  world.commit({
    kind: 'file-path',
    filePath: { botId: bot.id, documentNumber: document.number, path, grantedAtMs },
  })
  return path
}

/** The path under which the server holds the document for this bot; undefined when it holds none any more. */
function validPath({ world, bot, limits }: MethodCall, document: StoredDocument): string | undefined {
  const oldestMs = world.clock.now() - limits.filePathLifetimeMs
  const valid = world
    .filePathsOf(bot.id)
    .find(({ documentNumber, grantedAtMs }) => documentNumber === document.number && grantedAtMs > oldestMs)
  return valid?.path
}

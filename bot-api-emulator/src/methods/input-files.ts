import { refusal } from '#answers.ts'
import { decodeFileId } from '#files/file-ids.ts'
import type { MethodCall } from '#methods/method.ts'
import type { UploadedFile } from '#requests/request-parameters.ts'
import { declareDocument } from '#world/declaring.ts'

/** A document to send: a new upload, or one that is kept. */
export type InputDocument = { readonly upload: UploadedFile } | { readonly documentNumber: number }

/**
 * What a parameter names: a part of the same name, a part by `attach://`, or a file_id (telegram-bot-api
 * get_input_file). Undefined when there is nothing. Throws ApiRefusal for an empty file, and for an id of
 * another bot or of no file.
 */
export function inputDocument(call: MethodCall, parameter: string, value: string): InputDocument | undefined {
  const attached = value.startsWith('attach://') ? value.slice('attach://'.length) : parameter
  const upload = value === '' || value.startsWith('attach://') ? call.parameters.file(attached) : undefined
  if (upload !== undefined) {
    if (upload.sizeBytes === 0) throw refusal('fileEmpty')
    return { upload }
  }
  if (value === '' || value.startsWith('attach://')) return undefined
  // Anything with a dot is a URL to Telegram; the emulator fetches none.
  if (value.includes('.')) throw refusal('fileIdForeign')
  const reference = decodeFileId(call.world.fileIdKey, value)
  if (reference === undefined) throw refusal('fileIdUndecodable')
  if (reference.botId !== call.bot.id) throw refusal('fileIdForeign')
  return { documentNumber: reference.documentNumber }
}

/** Makes an upload a document; gives the document's number. */
export function keepDocument({ world }: MethodCall, input: InputDocument): number {
  if ('documentNumber' in input) return input.documentNumber
  const { rawFileName, ...received } = input.upload
  return declareDocument(world, received, rawFileName)
}

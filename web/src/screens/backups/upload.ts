import { urlOf } from '#api/client.ts'
import type { IntegratedBackupResult } from '#api/generated/types.gen.ts'
import { type ApiProblem, problemOf } from '#api/problem.ts'

export interface UploadRequest {
  project: string
  type: 'database' | 'storage' | 'logs'
  file: File
}

/** How an upload ended. `sides`: which side has the backup, as far as the answer says. */
export type UploadEnd =
  | { is: 'done'; backupId: string; sides: Sides }
  | { is: 'failed'; problem: ApiProblem; sides: Sides | undefined }
  | { is: 'cancelled' }

export interface Sides {
  chat: boolean
  catalog: boolean
}

/**
 * Sends the bytes of a file as they are. The server reads no faster than the chat takes them, so the progress
 * is about what the chat has. `fetch` has no progress of what it sends.
 * @param on.progress bytes that were sent
 * @returns `cancel` ends it; the server then deletes what it had sent
 */
export function upload(
  { project, type, file }: UploadRequest,
  on: { progress: (sent: number) => void; end: (end: UploadEnd) => void },
): { cancel: () => void } {
  const request = new XMLHttpRequest()
  const query = new URLSearchParams({ project_id: project, type, filename: file.name })
  request.open('POST', urlOf(`api/v1/backups/upload?${query}`))
  request.setRequestHeader('Content-Type', 'application/octet-stream')
  request.setRequestHeader('Accept', 'application/json')
  request.upload.onprogress = ({ loaded }) => on.progress(loaded)
  request.onload = () => on.end(endOf(request))
  request.onerror = () => on.end({ is: 'failed', problem: problemOf(undefined, undefined), sides: undefined })
  request.onabort = () => on.end({ is: 'cancelled' })
  request.send(file)
  return { cancel: () => request.abort() }
}

function endOf({ status, responseText }: XMLHttpRequest): UploadEnd {
  const body = parsed(responseText)
  const sides = sidesIn(body)
  if (status === 201 && sides !== undefined) {
    const { databaseRecord } = body as IntegratedBackupResult
    return { is: 'done', backupId: databaseRecord.id, sides }
  }
  return { is: 'failed', problem: problemOf(body, new Response(null, { status })), sides }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function sidesIn(body: unknown): Sides | undefined {
  if (typeof body !== 'object' || body === null || !('details' in body)) return undefined
  const { details } = body
  if (typeof details !== 'object' || details === null) return undefined
  const { telegramSuccess, databaseSuccess } = details as Record<string, unknown>
  return { chat: telegramSuccess === true, catalog: databaseSuccess === true }
}

import { actorOf } from '@telegram-backup/engine/access/caller.ts'
import { SCOPE_FOR } from '@telegram-backup/engine/jobs/asker-rights.ts'
import { BackupError, hideSecretsIn } from '@telegram-backup/errors'
import type { Request } from 'express'
import { z } from 'zod'
import { assertAsItIs, readBody } from '#http/body-stream.ts'
import { whileWatched } from '#http/caller-watch.ts'
import { assertSees } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import type { TransferMemory } from '#http/memory-limits.ts'
import { sendProblem } from '#http/problems.ts'
import { type Answer, type Route, route } from '#http/routes/route.ts'
import { INTEGRATED_RESULT } from '#http/schemas/backup-schemas.ts'
import { PROJECT_ID, TYPE } from '#http/schemas/terms.ts'
import { Slots } from '#http/slots.ts'

/** A name, not a path: a restore makes a file with this name. */
const FILENAME = z
  .string()
  .min(1)
  .max(200)
  // Such as U+202E, which reverses a line, and U+2028, which ends it.
  .regex(
    /^[^\p{Cc}\p{Bidi_Control}\p{Cs}\p{Zl}\p{Zp}/\\]+$/u,
    'a name without "/", "\\" and control characters',
  )
  .refine(name => name !== '.' && name !== '..', 'a name')

/** Streams the body of a request to the chat. */
export function uploadRoute({ database, uploads, settings }: HttpPorts, memory: TransferMemory): Route {
  const slots = new Slots('uploads', settings.uploads_at_once)
  return route(
    {
      method: 'post',
      path: '/backups/upload',
      name: 'uploadBackup',
      summary: 'Back up the body; it is streamed to the chat, and not stored on the way',
      scope: SCOPE_FOR.backup,
      query: z.strictObject({ project_id: PROJECT_ID, type: TYPE, filename: FILENAME.optional() }),
      takesBytes: true,
      answers: {
        201: {
          description: 'The chat has confirmed the backup, and the catalog recorded it',
          schema: INTEGRATED_RESULT,
        },
      },
      problems: [404, 408, 409, 413, 415, 502],
    },
    async ({ caller, query, request, response }) => {
      assertSees(caller, query.project_id)
      assertNoForm(request)
      assertAsItIs(request)
      const watched = { database, request, response, scope: SCOPE_FOR.backup, project: query.project_id }
      const work = async (signal: AbortSignal): Promise<Answer> => {
        const body = await readBody({ request, response }, { stallMs: settings.stall_seconds * 1_000 })
        let bodyFailure: unknown
        body.once('error', error => {
          bodyFailure = error
        })
        const result = await uploads.send({
          projectId: query.project_id,
          type: query.type,
          filename: query.filename,
          body,
          actor: actorOf(caller),
          signal,
          onJob: jobId => response.set('X-Job-Id', jobId),
        })
        if (result.success) {
          const id = result.databaseRecord?.id
          return { status: 201, body: result, headers: { Location: `/api/v1/backups/${id}` } }
        }
        const { error = 'The upload failed', code = 'TELEGRAM', hint, details } = result
        const failure = bodyFailure ?? new BackupError(error, { code, hint })
        if (!response.destroyed) sendProblem(response, failure, { details: hideSecretsIn(details) })
        return undefined
      }
      return await slots.use(caller.id, () => memory.upload(caller.id, () => whileWatched(watched, work)))
    },
  )
}

/** A form would be stored with the lines between its fields. */
function assertNoForm(request: Request): void {
  if (!request.is('multipart/*')) return
  throw new BackupError('The body is a form, not the bytes themselves', {
    code: 'UNSUPPORTED',
    hint: 'Send the bytes as application/octet-stream, for example with curl -X POST -T FILE.',
  })
}

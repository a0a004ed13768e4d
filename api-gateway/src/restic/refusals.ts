import { BackupError, describeError, redactError } from '@telegram-backup/errors'
import type { Response } from 'express'
import { sendProblem } from '#http/problems.ts'
import { logOf } from '#http/request-context.ts'

/**
 * restic repeats a request for 15 minutes after any other status than 401, 403, 404 and 416 (0.18,
 * `IsPermanentError` of its REST backend). What no repetition mends is therefore answered as 403.
 */
const PERMANENT: ReadonlySet<string> = new Set(['CONFLICT', 'NO_KEY', 'WRONG_KEY', 'INTEGRITY'])

/** Of a status line; restic prints it, and nothing of the body. */
const MOST_CHARACTERS = 300

/** Answers with the error; its words stand in the status line, too. */
export function refuse(response: Response, error: unknown): void {
  const { code } = describeError(error)
  const refused = code !== undefined && PERMANENT.has(code) ? permanent(error) : error
  if (code === 'INTEGRITY' || code === 'NO_KEY' || code === 'WRONG_KEY')
    logOf(response).error({ error, code }, 'a file of a bucket cannot be read')
  const { message, hint } = redactError(refused)
  response.statusMessage = reasonOf(hint === undefined ? message : `${message}. ${hint}`)
  sendProblem(response, refused)
}

function permanent(error: unknown): BackupError {
  const { message, hint } = error instanceof BackupError ? error : describeError(error)
  return new BackupError(message, { code: 'FORBIDDEN', hint, cause: error })
}

/** Visible ASCII: Node refuses a status line with other characters than those of Latin 1. */
function reasonOf(words: string): string {
  const plain = words.replace(/[‘’]/g, "'").replace(/[“”]/g, '"').replace(/\s+/g, ' ')
  return plain.replace(/[^\x20-\x7e]/g, '?').slice(0, MOST_CHARACTERS)
}

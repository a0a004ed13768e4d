import { getBackupById, pinBackup } from '@telegram-backup/database'
import { BackupError } from '@telegram-backup/errors'
import { backupView } from '#http/backup-view.ts'
import { found, inNameOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { BACKUP } from '#http/schemas/backup-schemas.ts'

/** Pins: neither retention nor a request erases a pinned backup. */
export function pinRoutes(ports: HttpPorts): Route[] {
  return [pinOrUnpin(ports, true), pinOrUnpin(ports, false)]
}

const pinOrUnpin = ({ database }: HttpPorts, isPinned: boolean): Route =>
  route(
    {
      method: isPinned ? 'put' : 'delete',
      path: '/backups/{id}/pin',
      name: isPinned ? 'pinBackup' : 'unpinBackup',
      summary: isPinned
        ? 'Keep a complete backup for ever'
        : 'Take the pin away: retention decides about the backup again',
      scope: 'backup',
      answers: { 200: { description: 'The backup as it is now', schema: BACKUP } },
      problems: [404, 409],
    },
    async ({ caller, id }) => {
      const { id: known, state } = found(caller, await getBackupById(database, id), 'backup')
      if (!(await pinBackup(inNameOf(caller, database), known, isPinned))) {
        throw new BackupError(`The backup is ${state}: only a complete backup can be pinned`, {
          code: 'CONFLICT',
          hint: 'GET /backups?state=complete lists the complete backups.',
        })
      }
      const after = found(caller, await getBackupById(database, known), 'backup')
      return { status: 200, body: backupView(caller, after) }
    },
  )

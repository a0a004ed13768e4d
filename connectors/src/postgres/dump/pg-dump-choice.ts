import { BackupError } from '@telegram-backup/errors'
import type { ClientProgram } from '#postgres/client-programs.ts'

/**
 * Of the installed pg_dumps, that of the folder that the settings name, if it is new enough. Else the newest of the server's own major version, else of the next newer one: a dump holds
 * settings of the pg_dump that made it, and the server that gets it back may not know those of a much newer one. An
 * older pg_dump refuses the server. Throws `CONFIGURATION` with what to install.
 * @param installed the newest first
 */
export function choosePgDump(installed: readonly ClientProgram[], serverMajor: number): ClientProgram {
  const able = installed.filter(program => program.major >= serverMajor)
  const nearestMajor = Math.min(...able.map(({ major }) => major))
  const chosen = able.find(program => program.isNamed) ?? able.find(program => program.major === nearestMajor)
  if (chosen) return chosen
  const hint = `Install a pg_dump at least as new as the server, for example: apt-get install postgresql-client-${serverMajor}`
  const [newest] = installed
  throw new BackupError(
    newest
      ? `The server is PostgreSQL ${serverMajor}, and the newest pg_dump installed here is ${newest.version}`
      : 'pg_dump is not installed',
    { code: 'CONFIGURATION', hint },
  )
}

import { getBackupDetails } from '@telegram-backup/database'
import { browseFolder, type FolderEntry } from '@telegram-backup/engine/operations/browse-folder.ts'
import type { ManifestCache } from '@telegram-backup/engine/restore/manifest-cache.ts'
import { base64Of, escapeName } from '@telegram-backup/engine/units/names.ts'
import { z } from 'zod'
import { found } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { whileWanted } from '#http/in-time.ts'
import { logOf } from '#http/request-context.ts'
import { assertWhole } from '#http/routes/backup-routes.ts'
import { type Route, route } from '#http/routes/route.ts'
import { countedPage, readCountCursor } from '#http/schemas/cursor.ts'
import { MEMBER_PAGE, MEMBER_PATH, SEARCH } from '#http/schemas/member-schemas.ts'
import { CURSOR, LIMIT } from '#http/schemas/terms.ts'
import { Slots } from '#http/slots.ts'

/** A list may have 20 MiB, and is read to the place that is asked for. */
const AT_ONCE = 4
/** How long the chat may take to give the list. */
const LIMIT_MS = 60_000

/**
 * The files of a directory backup, a folder at a time. Their names are encrypted in the chat like the bytes,
 * so they need the same scope.
 */
export function memberRoute({ database, engine }: HttpPorts, manifests: ManifestCache): Route {
  const slots = new Slots('lists of files', AT_ONCE)
  return route(
    {
      method: 'get',
      path: '/backups/{id}/members',
      name: 'listMembers',
      summary: 'What is in a folder of a directory backup, in the order of the backup',
      scope: 'restore',
      query: z.strictObject({
        path: MEMBER_PATH.optional(),
        search: SEARCH.optional(),
        limit: LIMIT,
        cursor: CURSOR.optional(),
      }),
      answers: { 200: { description: 'One page', schema: MEMBER_PAGE } },
      problems: [404, 502],
    },
    async ({ caller, id, query, response }) => {
      const { path = '', search, limit, cursor } = query
      const after = readCountCursor(cursor)
      const backup = found(caller, await getBackupDetails(database, id), 'backup')
      assertWhole(backup)
      const options = {
        ...{ ...engine, manifests, catalog: async () => engine.database },
        signal: whileWanted(response, LIMIT_MS),
        note: (line: string) => logOf(response).info({ backup_id: backup.id }, line),
      }
      const work = () => browseFolder({ backup, path, search, limit, after }, options)
      const { entries, hasMore } = await slots.use(caller.id, work)
      const items = entries.map(entry => ({ ...entry, id: entry.place }))
      return { status: 200, body: countedPage(items, { hasMore, view: memberView }) }
    },
  )
}

/** As `ls --json` prints it, but with a path that can be written into a URL. */
function memberView({ path, kind, member }: FolderEntry): Record<string, unknown> {
  const { mode, owner = null, group = null, modifiedMs, link } = member?.attributes ?? {}
  const shown = (name: string): string => (name.isWellFormed() ? name : escapeName(name))
  return {
    path: shown(path),
    ...base64Of(path),
    kind,
    size: member?.size ?? 0,
    mode: mode === undefined ? null : mode.toString(8).padStart(4, '0'),
    owner,
    group,
    modified_at: typeof modifiedMs === 'number' ? new Date(modifiedMs).toISOString() : null,
    ...(link !== undefined && { link: shown(link) }),
    ...(member?.sha256 !== undefined && { sha256: member.sha256 }),
  }
}

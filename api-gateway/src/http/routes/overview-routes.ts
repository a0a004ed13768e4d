import { actorOf, type Caller } from '@telegram-backup/engine/access/caller.ts'
import { type Overviews, openOverviews } from '@telegram-backup/engine/operations/overview.ts'
import { checkSource, listSources, listTargets } from '@telegram-backup/engine/operations/places.ts'
import { BackupError } from '@telegram-backup/errors'
import { z } from 'zod'
import { notFound, projectOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { OVERVIEW, SOURCE_CHECK, SOURCE_LIST, TARGET_LIST } from '#http/schemas/overview-schemas.ts'
import { PROJECT_ID } from '#http/schemas/terms.ts'

/** The state of everything, and the sources and targets that the serves declare. */
export function overviewRoutes({ database, engine, configFile }: HttpPorts, overviews: Overviews): Route[] {
  const ports = { database, configFile, own: { config: engine.config, configFile } }
  return [overview(overviews), sources(ports), targets(ports), check(ports)]
}

type PlacePorts = Pick<HttpPorts, 'database' | 'configFile'> & { own: Parameters<typeof listSources>[1] }

export function viewerOf(
  caller: Caller,
  projectId?: string,
): { projectId: string | undefined; isAdmin: boolean } {
  return { projectId: projectOf(caller, projectId), isAdmin: caller.scopes.includes('admin') }
}

/** The overviews of this process, which `GET /overview` and `GET /events` share. */
export function overviewsOf({ database, engine, configFile }: HttpPorts): Overviews {
  return openOverviews(database, () => ({ config: engine.config, configFile, fault: configFile.fault }))
}

const overview = (overviews: Overviews): Route =>
  route(
    {
      method: 'get',
      path: '/overview',
      name: 'getOverview',
      summary: 'Whether each source can be restored now, and how recently that was proven',
      scope: 'read',
      query: z.strictObject({ project_id: PROJECT_ID.optional() }),
      answers: { 200: { description: 'The overview, a second old at most', schema: OVERVIEW } },
      problems: [404],
    },
    async ({ caller, query }) => ({
      status: 200,
      body: await overviews(viewerOf(caller, query.project_id)),
    }),
  )

const sources = ({ database, own }: PlacePorts): Route =>
  route(
    {
      method: 'get',
      path: '/sources',
      name: 'listSources',
      summary: 'The sources that the configuration files name, without their places',
      scope: 'read',
      answers: { 200: { description: 'All sources', schema: SOURCE_LIST } },
    },
    async ({ caller }) => {
      const items = await listSources(database, own, viewerOf(caller))
      return { status: 200, body: { items, next_cursor: null } }
    },
  )

const targets = ({ database, own }: PlacePorts): Route =>
  route(
    {
      method: 'get',
      path: '/targets',
      name: 'listTargets',
      summary: 'The restore targets that the configuration files name, without their places',
      scope: 'read',
      answers: { 200: { description: 'All targets', schema: TARGET_LIST } },
    },
    async ({ caller }) => {
      const items = await listTargets(database, own, viewerOf(caller))
      return { status: 200, body: { items, next_cursor: null } }
    },
  )

const check = ({ database, own, configFile }: PlacePorts): Route =>
  route(
    {
      method: 'post',
      path: '/sources/{name}/check',
      name: 'checkSource',
      summary:
        'Check whether a backup of a source could be made now, as doctor does; takes 15 seconds at most',
      scope: 'admin',
      answers: { 200: { description: 'What was found', schema: SOURCE_CHECK } },
      problems: [404, 409],
    },
    async ({ caller, id: name, response }) => {
      const leaving = new AbortController()
      response.once('close', () => leaving.abort())
      const isOwn = configFile.sourceNames.includes(name)
      const project = isOwn ? configFile.projectOf('source', name) : undefined
      const { projectId } = viewerOf(caller)
      if (project == null || (projectId !== undefined && project !== projectId)) {
        const declared = await listSources(database, own, viewerOf(caller))
        if (!declared.some(source => source.name === name)) throw notFound('source')
        throw elsewhere()
      }
      const body = await checkSource(
        { ...database, actor: actorOf(caller) },
        { name, projectId: project, file: configFile, signal: leaving.signal },
      )
      return { status: 200, body }
    },
  )

function elsewhere(): BackupError {
  return new BackupError(
    'This serve cannot check the source: its own file does not name it, or cannot be read',
    {
      code: 'CONFLICT',
      hint: 'Ask the serve on the machine whose telegram-backup.yaml names the source.',
    },
  )
}

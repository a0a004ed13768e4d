import { type Person, pagePeople } from '@telegram-backup/database'
import { signInUrl } from '@telegram-backup/engine/operations/page-address.ts'
import {
  addPerson,
  changePerson,
  makeLink,
  removePerson,
  type SignInLink,
} from '@telegram-backup/engine/operations/people.ts'
import type { Request } from 'express'
import { z } from 'zod'
import { assertSees, inNameOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { type Route, route } from '#http/routes/route.ts'
import { page, readCursor } from '#http/schemas/cursor.ts'
import { INVITED, NEW_PERSON, PERSON, PERSON_CHANGE, PERSON_PAGE } from '#http/schemas/people-schemas.ts'
import { CURSOR, LIMIT } from '#http/schemas/terms.ts'

/** Who may sign in. Somebody who is limited to a project sees, adds and removes people of that project. */
export function peopleRoutes(ports: HttpPorts): Route[] {
  return [list(ports), add(ports), change(ports), remove(ports), link(ports)]
}

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/people',
      name: 'listPeople',
      summary: 'The people who may sign in, newest first',
      scope: 'admin',
      query: z.strictObject({ limit: LIMIT, cursor: CURSOR.optional() }),
      answers: { 200: { description: 'One page', schema: PERSON_PAGE } },
    },
    async ({ caller, query: { limit, cursor } }) => {
      const projectId = caller.project_id ?? undefined
      const people = await pagePeople(database, { projectId, after: readCursor(cursor), limit: limit + 1 })
      const view = (person: Person): Person => person
      return { status: 200, body: page(people.slice(0, limit), { hasMore: people.length > limit, view }) }
    },
  )

const add = (ports: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/people',
      name: 'addPerson',
      summary: 'Add a person, who signs in by the one-time link of the answer; it is shown once',
      scope: 'admin',
      needsFactor: true,
      body: NEW_PERSON,
      answers: { 201: { description: 'The person, and the link', schema: INVITED } },
      problems: [404, 409],
    },
    async ({ caller, body: { name, role, project_id }, request }) => {
      assertSees(caller, project_id)
      const of = { name, role, projectId: project_id }
      const { person, link } = await addPerson(inNameOf(caller, ports.database), of, caller)
      return { status: 201, body: { ...person, link: linkView(ports, request, link) } }
    },
  )

const change = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'patch',
      path: '/people/{id}',
      name: 'changePerson',
      summary: 'Change what a person may do; sessions end if that becomes less',
      scope: 'admin',
      needsFactor: true,
      body: PERSON_CHANGE,
      answers: { 200: { description: 'The person', schema: PERSON } },
      problems: [404, 409],
    },
    async ({ caller, id, body: { role, project_id } }) => {
      assertSees(caller, project_id ?? undefined)
      const request = { change: { role, projectId: project_id }, by: caller }
      return { status: 200, body: await changePerson(inNameOf(caller, database), id, request) }
    },
  )

const remove = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/people/{id}',
      name: 'removePerson',
      summary: 'Remove a person, whose sessions end',
      scope: 'admin',
      needsFactor: true,
      answers: { 204: { description: 'The person is removed' } },
      problems: [404, 409],
    },
    async ({ caller, id }) => {
      await removePerson(inNameOf(caller, database), id, caller)
      return { status: 204 }
    },
  )

const link = (ports: HttpPorts): Route =>
  route(
    {
      method: 'post',
      path: '/people/{id}/link',
      name: 'makeSignInLink',
      summary: 'Make a new one-time link for a person; it is shown once, and an earlier one ends',
      scope: 'admin',
      needsFactor: true,
      answers: { 201: { description: 'The person, and the link', schema: INVITED } },
      problems: [404],
    },
    async ({ caller, id, request }) => {
      const { person, link } = await makeLink(inNameOf(caller, ports.database), id, caller)
      return { status: 201, body: { ...person, link: linkView(ports, request, link) } }
    },
  )

function linkView({ settings }: HttpPorts, request: Request, { secret, expiresAt }: SignInLink): object {
  const base = settings.public_url ?? `${request.protocol}://${request.host}`
  return { token: secret, url: signInUrl(base, secret), expires_at: expiresAt }
}

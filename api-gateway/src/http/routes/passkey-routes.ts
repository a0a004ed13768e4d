import {
  addPasskey,
  askForNewPasskey,
  askForPasskey,
  ownPasskeys,
  removePasskey,
} from '@telegram-backup/engine/operations/passkeys.ts'
import { passkeySiteOf } from '#http/browser-guards.ts'
import { inNameOf } from '#http/callers.ts'
import type { HttpPorts } from '#http/http-ports.ts'
import { openRoute, type Route, route } from '#http/routes/route.ts'
import { assertFromPage, type SignInParts } from '#http/routes/session-routes.ts'
import { NEW_PASSKEY, PASSKEY, PASSKEY_LIST, PASSKEY_QUESTION } from '#http/schemas/passkey-schemas.ts'

/** Passkeys of whoever is signed in, and the question to sign in with one. */
export function passkeyRoutes(ports: HttpPorts, parts: SignInParts): Route[] {
  return [ask(ports, parts), list(ports), askForNew(ports, parts), add(ports, parts), remove(ports)]
}

const ask = ({ database }: HttpPorts, { guards, limits }: SignInParts): Route =>
  openRoute(
    {
      method: 'post',
      path: '/session/challenge',
      name: 'askForPasskey',
      summary: 'What a browser needs to prove by a passkey who somebody is: once, within five minutes',
      answers: { 200: { description: 'For navigator.credentials.get', schema: PASSKEY_QUESTION } },
      problems: [409],
    },
    request => assertFromPage(guards, request),
    async ({ request, response }) => {
      const site = passkeySiteOf(request)
      await limits.ask(request, response)
      return { status: 200, body: await askForPasskey(database, site) }
    },
  )

const list = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'get',
      path: '/passkeys',
      name: 'listPasskeys',
      summary: 'Your passkeys, oldest first',
      scope: 'session',
      answers: { 200: { description: 'All of them', schema: PASSKEY_LIST } },
    },
    async ({ caller }) => ({ status: 200, body: { items: await ownPasskeys(database, caller) } }),
  )

const askForNew = ({ database }: HttpPorts, { limits }: SignInParts): Route =>
  route(
    {
      method: 'post',
      path: '/passkeys/challenge',
      name: 'askForNewPasskey',
      summary: 'What a browser needs to make a passkey for you: once, within five minutes',
      scope: 'session',
      needsFactor: true,
      answers: { 200: { description: 'For navigator.credentials.create', schema: PASSKEY_QUESTION } },
      problems: [409],
    },
    async ({ caller, request, response }) => {
      const site = passkeySiteOf(request)
      await limits.ask(request, response)
      return { status: 200, body: await askForNewPasskey(database, caller, site) }
    },
  )

const add = ({ database }: HttpPorts, { guards }: SignInParts): Route =>
  route(
    {
      method: 'post',
      path: '/passkeys',
      name: 'addPasskey',
      summary: 'Add a passkey that your browser has made',
      scope: 'session',
      needsFactor: true,
      body: NEW_PASSKEY,
      answers: { 201: { description: 'It can be used to sign in', schema: PASSKEY } },
      problems: [409],
    },
    async ({ caller, body: { name, passkey: answer }, request }) => {
      guards.assertPrivateWay(request)
      const of = { answer, name, site: passkeySiteOf(request) }
      return { status: 201, body: await addPasskey(inNameOf(caller, database), caller, of) }
    },
  )

const remove = ({ database }: HttpPorts): Route =>
  route(
    {
      method: 'delete',
      path: '/passkeys/{id}',
      name: 'removePasskey',
      summary: 'Remove one of your passkeys; not the last thing that you can sign in with',
      scope: 'session',
      needsFactor: true,
      answers: { 204: { description: 'It can be used no longer' } },
      problems: [404, 409],
    },
    async ({ caller, id }) => {
      await removePasskey(inNameOf(caller, database), caller, id)
      return { status: 204 }
    },
  )

import type { Role } from '@telegram-backup/database'
import { addPerson, type SignInLink } from '@telegram-backup/engine/operations/people.ts'
import type { AskOptions, TestService } from '#test/http/http-service.ts'

export const PASSWORD = 'correct horse battery'

/** A browser with its cookies, whose requests come from the page itself. */
export class Browser {
  readonly #service: TestService
  cookie: string | undefined

  constructor(service: TestService) {
    this.#service = service
  }

  async ask(path: string, options: AskOptions = {}): Promise<Response> {
    const headers = {
      'Sec-Fetch-Site': 'same-origin',
      ...(this.cookie === undefined ? {} : { Cookie: this.cookie }),
      ...options.headers,
    }
    const answer = await this.#service.ask(path, { ...options, headers })
    const [set] = answer.headers.getSetCookie()
    if (set !== undefined) this.cookie = /=;/.test(set) ? undefined : set.split(';')[0]
    return answer
  }

  /** Signs in; returns the status. */
  async signIn(json: object): Promise<number> {
    const answer = await this.ask('/session', { json })
    await answer.arrayBuffer()
    return answer.status
  }

  async status(path: string, options: AskOptions = {}): Promise<number> {
    const answer = await this.ask(path, options)
    await answer.body?.cancel()
    return answer.status
  }
}

/** Adds a person as the command line does. */
export async function invite(
  { database }: TestService,
  of: { name: string; role: Role; projectId?: string },
): Promise<{ id: string; link: SignInLink }> {
  const { person, link } = await addPerson(database, of)
  return { id: person.id, link }
}

/** Somebody who has signed in by a link, and set {@link PASSWORD}. */
export async function signedIn(
  service: TestService,
  of: { name: string; role: Role; projectId?: string },
): Promise<Browser & { id: string }> {
  const { id, link } = await invite(service, of)
  const browser = new Browser(service)
  const status = await browser.signIn({ link: link.secret, password: PASSWORD })
  if (status !== 200) throw new Error(`signing in was answered with ${status}`)
  return Object.assign(browser, { id })
}

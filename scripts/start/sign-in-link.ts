import { type Database, pagePeople } from '@telegram-backup/database'
import { signInUrl } from '@telegram-backup/engine/operations/page-address.ts'
import { addPerson, makeLink } from '@telegram-backup/engine/operations/people.ts'

/** Who tries the sample; the name to sign in with once a password is set. */
const NAME = 'admin'
const MOST_PEOPLE = 1_000

/**
 * A link that signs an administrator in, once.
 * @param page the address of the page
 */
export async function makeSignInLink(database: Database, page: string): Promise<string> {
  const people = await pagePeople(database, { limit: MOST_PEOPLE })
  const known = people.find(({ name, role }) => name === NAME && role === 'admin')
  const { link } =
    known === undefined
      ? await addPerson(database, { name: NAME, role: 'admin' })
      : await makeLink(database, known.id)
  return signInUrl(page, link.secret)
}

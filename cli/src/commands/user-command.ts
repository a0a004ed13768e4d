import type { Database, Person, Role } from '@telegram-backup/database'
import type { SignInLink } from '@telegram-backup/engine/operations/people.ts'
import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import {
  type CommandContext,
  describeCommand,
  describeGroup,
  type RegisterCommand,
  usageError,
  withCatalog,
} from '#commands/command.ts'
import type { Output } from '#commands/output.ts'
import type { Column } from '#commands/terminal-table.ts'
import { linesOf, type Text } from '#commands/terminal-text.ts'

interface AddOptions {
  name: string
  admin?: boolean
  role?: string
  project?: string
  json?: boolean
}

const WHO: readonly [string, string] = [
  '<id>',
  'the person’s id from "telegram-backup user list", its first eight characters, or the name',
]
/** A catalog has a few people; more than that are not listed. */
const MOST_LISTED = 10_000

/** `user add|list|link|remove`: the people who sign in to the page. */
export const registerUser: RegisterCommand = (program, run) => {
  const group = describeGroup(program.command('user'), {
    description:
      'add, list and remove the people who sign in to the page of "serve", and make links for them',
    examples: ['telegram-backup user add --admin --name ann', 'telegram-backup user link ann'],
  })
  for (const register of [registerAdd, registerList, registerLink, registerRemove]) register(group, run)
}

const registerAdd: RegisterCommand = (group, run) => {
  const command = group.command('add').requiredOption('--name <name>', 'the name to sign in with')
  describeCommand(command, {
    description:
      'add a person, and print a link that signs them in: once, within 15 minutes. There they set a password',
    options: {
      '--role <role>':
        'what the person may do: viewer (look), operator (also back up), restorer (also restore and download), admin (everything); default: viewer',
      '--admin': 'the same as --role admin',
      '--project <id>': 'limit the person to this project',
    },
    examples: [
      'telegram-backup user add --admin --name ann',
      'telegram-backup user add --name ben --role operator --project shop --json',
    ],
  }).action((options: AddOptions) =>
    run(async context => {
      const { addPerson } = await import('@telegram-backup/engine/operations/people.ts')
      const { name, project } = options
      const role = roleOf(options)
      // First, because it may fail: then nobody was added.
      const publicUrl = await publicUrlOf(context)
      await withCatalog(context, async database => {
        const invited = await addPerson(database, { name, role, projectId: project })
        await printLink(context, database, { ...invited, publicUrl })
      })
      return ExitCode.DONE
    }, options),
  )
}

/** The catalog refuses unknown roles. */
function roleOf({ admin = false, role }: AddOptions): Role {
  if (!admin) return (role ?? 'viewer') as Role
  if (role === undefined || role === 'admin') return 'admin'
  throw usageError(
    `--admin and --role ${JSON.stringify(role.slice(0, 40))} contradict each other`,
    'Give one of them.',
  )
}

async function publicUrlOf({ config }: CommandContext): Promise<string | undefined> {
  const { readConfigFile } = await import('@telegram-backup/engine/config/config-file.ts')
  return (await readConfigFile(config)).http.public_url
}

async function printLink(
  { output }: CommandContext,
  database: Database,
  { person, link, publicUrl }: { person: Person; link: SignInLink; publicUrl: string | undefined },
): Promise<void> {
  const { pageAddress, signInUrl } = await import('@telegram-backup/engine/operations/page-address.ts')
  const page = await pageAddress(database, publicUrl)
  const url = signInUrl(page.url, link.secret)
  if (page.isGuess) {
    output.note(
      `warning: no running "telegram-backup serve" of this catalog is known; the link is for ${page.url}. If people find the page elsewhere, set public_url below "http:" in telegram-backup.yaml.`,
    )
  }
  output.answer({ id: person.id, url }, () => describeLink(person, { url, until: link.expiresAt }))
}

function describeLink({ name, role, project_id }: Person, of: { url: string; until: Date }): string {
  return [
    `${name}: ${role}${project_id === null ? '' : `, only for project ${project_id}`}`,
    '',
    `  ${of.url}`,
    '',
    `The link signs in once, until ${formatTime(of.until)}. It is shown only now: give it to nobody else.`,
  ].join('\n')
}

const registerList: RegisterCommand = (group, run) => {
  describeCommand(group.command('list'), {
    description: 'list the people who may sign in: what each may do, and when they were last seen',
    examples: ['telegram-backup user list', 'telegram-backup user list --json'],
  }).action((options: { json?: boolean }) =>
    run(async context => {
      const people = await withCatalog(context, allPeople)
      context.output.answer(people, () => describePeople(people, context.output))
      return ExitCode.DONE
    }, options),
  )
}

async function allPeople(database: Database): Promise<Person[]> {
  const { pagePeople } = await import('@telegram-backup/database')
  return await pagePeople(database, { limit: MOST_LISTED })
}

const COLUMNS: readonly Column[] = [
  { heading: 'ID', isId: true },
  { heading: 'NAME', least: 8 },
  { heading: 'ROLE' },
  { heading: 'PROJECT', least: 7 },
  { heading: 'PASSWORD', leavesAs: 1 },
  { heading: 'LAST SEEN', leavesAs: 2 },
]

function describePeople(people: readonly Person[], output: Output): Text {
  if (people.length === 0) {
    return 'Nobody can sign in yet. To add the first person: telegram-backup user add --admin --name NAME'
  }
  const rows = people.map(({ id, name, role, project_id, has_password, last_seen_at }) => [
    ...[id, name, role, project_id ?? 'all', has_password ? 'set' : 'none'],
    last_seen_at === null ? 'never' : formatTime(last_seen_at),
  ])
  return linesOf([output.table(COLUMNS, rows), people.length === 1 ? '1 person' : `${people.length} people`])
}

const registerLink: RegisterCommand = (group, run) => {
  describeCommand(group.command('link'), {
    description:
      'print a new link for a person, for one who has lost the password or let the first link pass; an earlier link ends',
    argument: WHO,
    examples: ['telegram-backup user link ann', 'telegram-backup user link 0b0f7a52 --json'],
  }).action((which: string, options: { json?: boolean }) =>
    run(async context => {
      const { makeLink } = await import('@telegram-backup/engine/operations/people.ts')
      const publicUrl = await publicUrlOf(context)
      await withCatalog(context, async database => {
        const { id } = await personMeant(database, which)
        await printLink(context, database, { ...(await makeLink(database, id)), publicUrl })
      })
      return ExitCode.DONE
    }, options),
  )
}

const registerRemove: RegisterCommand = (group, run) => {
  describeCommand(group.command('remove'), {
    description: 'remove a person: from now on, their sessions are refused',
    argument: WHO,
    examples: ['telegram-backup user remove ben'],
  }).action((which: string, options: { json?: boolean }) =>
    run(async context => {
      const { removePerson } = await import('@telegram-backup/engine/operations/people.ts')
      const { id, name } = await withCatalog(context, async database =>
        removePerson(database, (await personMeant(database, which)).id),
      )
      context.output.outcome({ success: true, id, removed: true }, () => `${name} is removed.`)
      return ExitCode.DONE
    }, options),
  )
}

/** Throws `NOT_FOUND`, and `USAGE` if several people match. */
async function personMeant(database: Database, which: string): Promise<Person> {
  const { nameKey } = await import('@telegram-backup/database')
  const start = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i.test(which) ? which.toLowerCase() : undefined
  const people = (await allPeople(database)).filter(
    ({ id, name }) => nameKey(name) === nameKey(which) || (start !== undefined && id.startsWith(start)),
  )
  const [person, ...others] = people
  const words = JSON.stringify(which.slice(0, 80))
  if (person === undefined) {
    throw new BackupError(`Nobody has the id or the name ${words}`, {
      code: 'NOT_FOUND',
      hint: 'telegram-backup user list shows the people.',
    })
  }
  if (others.length === 0) return person
  const ids = people.map(({ id, name }) => `${id} (${name})`).join(', ')
  throw usageError(`${count(people.length, 'person')} match ${words}`, `Give the id of one: ${ids}.`)
}

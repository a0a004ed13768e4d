import { roundsOf } from '@telegram-backup/test-support/rounds.ts'
import { openTestCatalog, type TestCatalog } from '@telegram-backup/test-support/vault.ts'
import fc from 'fast-check'
import { type RawBuilder, sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkBucketName, type PartKind, type PartState } from '#index.ts'
import { checkedTag, checkProjectId, checkState, checkType } from '#input-checks.ts'
import { BACKUP_STATES, BACKUP_TYPES } from '#jobs/types.backup.ts'
import { checkKey } from '#objects/versions/object-keys.ts'

// The same rules stand in TypeScript and in the migrations: they must not drift apart.

let database: TestCatalog
beforeAll(async () => {
  database = await openTestCatalog()
})
afterAll(() => database.discard())

// Types of parts exist only for the compiler; these lists do not compile when a name is missing or unknown.
const PART_STATES = Object.keys({
  intended: 0,
  sent: 0,
  missing: 0,
  damaged: 0,
  tombstone: 0,
  erased: 0,
} satisfies Record<PartState, 0>)
const PART_KINDS = Object.keys({ part: 0, manifest: 0 } satisfies Record<PartKind, 0>)

const ID = '00000000-0000-4000-8000-000000000000'

/** Whether PostgreSQL takes these rows; none of them stays. Anything but a refused CHECK is an error. */
async function databaseTakes(...statements: RawBuilder<unknown>[]): Promise<boolean> {
  const rollback = new Error('taken')
  const taking = database.kysely.transaction().execute(async trx => {
    for (const statement of statements) await statement.execute(trx)
    throw rollback
  })
  const outcome = await taking.catch((error: unknown) => error)
  if (outcome === rollback) return true
  expect(outcome).toMatchObject({ code: 'INVALID', cause: { code: '23514' } })
  return false
}

const project = (id: string) => sql`insert into control_plane.projects (id) values (${id})`
const backup = (type: string, state: string) => sql`
  insert into control_plane.backups (id, project_id, type, state, file_id, completed_at)
  values (${ID}, 'p', ${type}, ${state}, 'f', now())`
const part = (kind: string, partNumber: number, state: string) => sql`
  insert into control_plane.backup_parts
    (backup_id, chat_id, kind, part_no, file_name, size, sha256, state, message_id, file_id)
  values (${ID}, '1', ${kind}, ${partNumber}, 'f', 1, ${'a'.repeat(64)}, ${state}, 1, 'f')`

const bucket = (name: string) => sql`
  insert into control_plane.object_buckets (id, name, kind, project_id) values (${ID}, ${name}, 'restic', 'p')`
const lock = (key: string) => sql`
  insert into control_plane.objects (id, bucket_id, key, size, sha256, in_chat, content)
  values (${ID}, ${ID}, ${key}, 0, ${'a'.repeat(64)}, false, '')`

function passes(check: () => void): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}

/** The names themselves, names that are almost right, and any others. PostgreSQL knows no zero character. */
function nearly(names: readonly string[]): fc.Arbitrary<string> {
  const name = fc.constantFrom(...names)
  const bent = fc
    .tuple(name, fc.constantFrom('', ' ', '\n', 's', "'"), fc.nat(3))
    .map(([text, more, cut]) => `${text.slice(cut)}${more}`)
  return fc.oneof(
    name,
    bent,
    name.map(text => text.toUpperCase()),
    fc.string({ unit: 'grapheme' }).filter(text => !text.includes('\0')),
  )
}

const projectId = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', '.', '-', '_', '/', ' ', '\n', 'ä', '٣'),
  maxLength: 66,
})
const longId = fc.string({
  unit: fc.constantFrom(...'aZ0.-_'),
  minLength: 62,
  maxLength: 66,
})
const bucketName = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', '.', '-', '_', ' ', '\n', 'ä'),
  maxLength: 5,
})
const longKey = fc
  .tuple(fc.constantFrom('k', 'ä', '😀'), fc.integer({ min: 200, max: 1030 }))
  .map(([character, times]) => character.repeat(times))
const TYPES = [...BACKUP_TYPES]
const STATES = [...BACKUP_STATES]
const known = (names: readonly string[]) => (text: string) => names.includes(text)

const RULES: {
  rule: string
  values: fc.Arbitrary<string>
  ours: (value: string) => boolean
  theirs: (value: string) => Promise<boolean>
}[] = [
  {
    rule: 'project id',
    values: fc.oneof(projectId, longId, nearly(['a', 'a.b', 'a..b', '..', 'a'.repeat(64)])),
    ours: id => passes(() => checkProjectId(id)),
    theirs: id => databaseTakes(project(id)),
  },
  {
    rule: 'backup type',
    values: nearly(TYPES),
    ours: type => passes(() => checkType(type)),
    theirs: type => databaseTakes(project('p'), backup(type, 'sending')),
  },
  {
    rule: 'backup state',
    values: nearly(STATES),
    ours: state => passes(() => checkState(state)),
    theirs: state => databaseTakes(project('p'), backup('logs', state)),
  },
  {
    rule: 'part state',
    values: nearly(PART_STATES),
    ours: known(PART_STATES),
    theirs: state => databaseTakes(project('p'), backup('logs', 'sending'), part('part', 1, state)),
  },
  {
    rule: 'part kind',
    values: nearly(PART_KINDS),
    ours: known(PART_KINDS),
    theirs: kind =>
      databaseTakes(
        project('p'),
        backup('logs', 'sending'),
        part(kind, kind === 'manifest' ? 0 : 1, 'intended'),
      ),
  },
  {
    rule: 'name of a bucket',
    values: fc.oneof(bucketName, nearly(['abc', 'a.b', 'a-0', 'a'.repeat(63)])),
    ours: name => passes(() => checkBucketName(name)),
    theirs: name => databaseTakes(project('p'), bucket(name)),
  },
  {
    rule: 'key of an object',
    values: fc.oneof(longKey, nearly(['', 'data/a', 'k'.repeat(1024)])),
    ours: key => passes(() => checkKey(key)),
    theirs: key => databaseTakes(project('p'), bucket('abc'), lock(key)),
  },
  {
    rule: 'tag',
    values: fc.oneof(fc.constantFrom('a,b', 'NULL', ''), projectId, longId, nearly(['a:b', '{}'])),
    ours: tag => passes(() => checkedTag(tag)),
    theirs: tag =>
      databaseTakes(
        project('p'),
        backup('logs', 'sending'),
        sql`update control_plane.backups set tags = array[${tag}] where id = ${ID}`,
      ),
  },
]

test.each(RULES)(
  'a $rule that the code takes is taken by the database, and no other',
  async ({ values, ours, theirs }) => {
    await fc.assert(
      fc.asyncProperty(values, async value => {
        expect(await theirs(value)).toBe(ours(value))
      }),
      { numRuns: roundsOf(50) },
    )
  },
)

test.each([
  ['backups', 'type', TYPES],
  ['backups', 'state', STATES],
  ['backup_parts', 'state', PART_STATES],
  ['backup_parts', 'kind', PART_KINDS],
])('the list of %s.%s in the database is the one of the code', async (table, column, names) => {
  const { rows } = await sql<{ rule: string }>`
    select pg_get_constraintdef(oid) as rule from pg_constraint
    where conrelid = ${`control_plane.${table}`}::regclass and conname = ${`${table}_${column}_check`}
  `.execute(database.kysely)
  const listed = [...(rows[0]?.rule ?? '').matchAll(/'([^']*)'::text/g)].map(([, name]) => name)
  expect(listed.sort()).toEqual([...names].sort())
})

// Makes golden state, once for a release: two chats, a catalog, keys and the packed program that made them,
// into cli/test/golden/NAME: `npm run golden -- NAME`, as root. Tests upgrade it, work on it with the program
// of then and the one of now, and recover it; they never make it anew, and neither does anybody for a release
// that has it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdCompressSync } from 'node:zlib'
import { installedServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { breakOff, type Filled, fetchAll, fillVault } from '#golden/fill.ts'
import { serveForAWhile } from '#golden/serving.ts'
import { dumpCatalog, type GoldenStage, openStage } from '#golden/stage.ts'

const ROOT = join(import.meta.dirname, '..')
const name = process.argv[2] ?? ''
const target = join(ROOT, 'cli', 'test', 'golden', name)
if (!/^[\w.-]+$/.test(name) || existsSync(target))
  throw new Error('Give a name that no golden state has: npm run golden -- NAME')

/** A file of the golden state. */
function keep(file: string, bytes: Buffer | string): void {
  writeFileSync(join(target, file), bytes)
}

function packed(bytes: Buffer): Buffer {
  return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } })
}

/** A folder as a tar that says nothing of who made it. */
function tarOf(folder: string, ...options: string[]): Buffer {
  const args = ['-c', '-S', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', ...options]
  return execFileSync('tar', [...args, '-C', folder, '.'], { maxBuffer: 2 ** 28 })
}

/** All that the program says about the state, for what comes later to be compared with. */
async function whatIsSaid(stage: GoldenStage, ids: Filled): Promise<Record<string, unknown>> {
  const said: Record<string, unknown> = {}
  for (const [id, state] of Object.entries(ids)) said[`show ${id}`] = await stage.ask('show', state)
  for (const command of ['list', 'stats', 'jobs', 'schedule list', 'retention list', 'apikey list'])
    said[command] = await stage.ask(...command.split(' '))
  return said
}

const stage = await openStage()
try {
  const ids = await fillVault(stage)
  const apiKey = await serveForAWhile(stage)
  await breakOff(stage, ids)
  const sha256 = await fetchAll(stage, ids)
  const said = await whatIsSaid(stage, ids)
  const catalog = await dumpCatalog(stage.env['DATABASE_URL'] ?? '', join(await installedServer(), 'pg_dump'))
  await stage.endChats()
  execFileSync('npm', ['run', 'pack'], { cwd: ROOT, stdio: 'ignore' })

  mkdirSync(target, { recursive: true })
  keep('chats.tar.zst', packed(tarOf(join(stage.folder, 'chats'), '--exclude=lock.json')))
  keep('catalog.sql.zst', packed(Buffer.from(catalog)))
  keep('program.tar.zst', packed(tarOf(join(ROOT, 'build', 'stage'), '--exclude=*.d.ts')))
  for (const key of ['age-key.txt', 'signing-key.pem'])
    copyFileSync(join(stage.folder, 'keys', key), join(target, key))
  const { recipient } = stage.keys
  keep(
    'state.json',
    `${JSON.stringify({ ...stage.chats, recipient, apiKey, ids, sha256, said }, undefined, 1)}\n`,
  )
  for (const file of readdirSync(target))
    process.stdout.write(`${file}: ${readFileSync(join(target, file)).length} bytes\n`)
} finally {
  await stage.close()
}

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Chance } from '#torture/chance.ts'
import { plainChunksOf } from '#torture/judge/archive-bytes.ts'
import { PART_SIZE_BYTES, type World } from '#torture/world/world.ts'

/** Sources of a world's `telegram-backup.yaml`, each with the project that it belongs to. */
export const SOURCES: Readonly<Record<string, { project: string; kind: 'file' | 'directory' }>> = {
  disk: { project: 'shop', kind: 'file' },
  notes: { project: 'blog', kind: 'file' },
  site: { project: 'shop', kind: 'directory' },
}

const MOST_PARTS = 4

/** Path of the configuration that names the sources. */
export function configOf({ folder }: World): string {
  return join(folder, 'telegram-backup.yaml')
}

/** Writes the sources and the file that names them. */
export async function writeSources(world: World, chance: Chance): Promise<void> {
  const lines: string[] = []
  for (const [name, { project, kind }] of Object.entries(SOURCES)) {
    lines.push(`  ${name}: { project: ${project}, type: storage, ${kind}: ${placeOf(world, name)} }`)
    if (kind === 'file') await rewriteSource(world, name, chance)
    else await writeTree(placeOf(world, name), chance)
  }
  // What people are told is no message that the catalog knows.
  const text = `sources:\n${lines.join('\n')}\nnotifications: { chat: false }\n`
  await writeFile(configOf(world), text, { mode: 0o600 })
}

/** Puts another file in the place of a source, in one step, as programs do that care for their files. */
export async function rewriteSource(world: World, name: string, chance: Chance): Promise<void> {
  const bytes = chance.bytes(chance.whole(1, Math.floor(MOST_PARTS * PART_SIZE_BYTES * 0.95)))
  const sha256 = sha256Of(bytes)
  world.given.set(sha256, { size: bytes.length, sha256 })
  const place = placeOf(world, name)
  await mkdir(join(world.folder, 'sources'), { recursive: true })
  await writeFile(`${place}.new`, bytes)
  await rename(`${place}.new`, place)
}

function placeOf({ folder }: World, name: string): string {
  return join(folder, 'sources', name)
}

async function writeTree(folder: string, chance: Chance): Promise<void> {
  await mkdir(join(folder, 'deep'), { recursive: true })
  const names = ['empty', 'one.bin', 'deep/two.bin', 'deep/ä and a blank']
  for (const name of names) {
    const size = name === 'empty' ? 0 : chance.whole(1, PART_SIZE_BYTES)
    await writeFile(join(folder, name), chance.bytes(size))
  }
}

/**
 * What tar makes of a directory nobody knows beforehand. So each backup of one is unpacked by tar; when what
 * comes out is what is there, the world remembers it as something that was given.
 */
export async function learnTrees(world: World): Promise<void> {
  const backups = await world.catalog.rows(
    "select id, source_name, plain_sha256, size from control_plane.backups where state = 'complete' and source_name is not null",
  )
  for (const { id, source_name: name, plain_sha256: sha256, size } of backups) {
    const isTree = SOURCES[String(name)]?.kind === 'directory'
    if (!isTree || world.given.has(String(sha256)) || world.human.damaged.has(String(id))) continue
    const parts = await world.catalog.rows(
      `select message_id from control_plane.backup_parts where backup_id = '${id}' and kind = 'part'
       and chat_id = '${world.chat.id}' order by part_no`,
    )
    const documents: Buffer[] = []
    for (const { message_id: messageId } of parts)
      documents.push(await world.chat.view.bytes(Number(messageId)))
    const out = join(world.folder, 'unpacked')
    await unpack(plainChunksOf(documents, world.identity), out)
    const isSame = (await listingOf(out)) === (await listingOf(placeOf(world, String(name))))
    await rm(out, { recursive: true })
    if (isSame) world.given.set(String(sha256), { size: Number(size), sha256: String(sha256) })
  }
}

async function unpack(chunks: AsyncIterable<Buffer>, folder: string): Promise<void> {
  await mkdir(folder)
  const child = spawn('tar', ['-x', '-C', folder], { stdio: ['pipe', 'inherit', 'inherit'] })
  child.stdin.on('error', () => {})
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  for await (const chunk of chunks) child.stdin.write(chunk)
  child.stdin.end()
  const code = await ended
  if (code !== 0) throw new Error(`tar ended with ${code}`)
}

/** Names and SHA-256 of all files of a tree. */
async function listingOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const lines = entries
    .filter(entry => entry.isFile())
    .map(async entry => {
      const path = join(entry.parentPath, entry.name)
      return `${path.slice(folder.length)} ${sha256Of(await readFile(path))}`
    })
  return (await Promise.all(lines)).sort().join('\n')
}

function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

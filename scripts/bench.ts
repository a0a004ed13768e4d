// Speed and memory against what a person would type in a shell; writes docs/performance.md. `--pairs N` (5),
// `--size MIB` of the dump (950) and `--only TEXT` (measurements whose name holds it; writes no page) change
// the effort.
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BackupDetails } from '@telegram-backup/database'
import { doorCosts } from '#bench/doors.ts'
import { type Comparison, compare, measure, type Side } from '#bench/measure.ts'
import { proofCosts } from '#bench/proof.ts'
import { type Figure, ratioFigure, writeReport } from '#bench/report.ts'
import { fillDatabase, writeRandomFile, writeSmallFiles, writeSparseFile } from '#bench/sources.ts'
import { openVault, requirePrograms } from '#bench/vault.ts'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    size: { type: 'string', default: '950' },
    only: { type: 'string', default: '' },
  },
})
const pairs = Number(values.pairs)
const DELAY_MS = 500
const SMALL_FILES = 100_000
const SPARSE_GIBIBYTES = 3
const DOOR_MEBIBYTES = 1024
const MEMORY_SIZES_MEBIBYTES = [200, 1000]

await requirePrograms('age', 'zstd', 'curl')
const vault = await openVault()
const { server, emulator, cli, shell, folder } = vault
const comparisons: Comparison[] = []
const figures: Figure[] = []

async function against(
  what: string,
  sides: { ours: Side; theirs: Side; delayMs?: number },
  figureOf: (comparison: Comparison) => Figure,
): Promise<void> {
  if (!what.includes(values.only)) return
  // A round trip over an ocean and through Telegram's servers, for each request of either side.
  if (sides.delayMs) {
    const timing = { calls: Number.MAX_SAFE_INTEGER }
    for (const calls of ['*', 'download'])
      emulator.faults.on(calls, timing, { kind: 'delay', ms: sides.delayMs })
  }
  const comparison = await compare(what, sides.ours, sides.theirs, pairs)
  emulator.faults.clear()
  comparisons.push(comparison)
  figures.push(figureOf(comparison))
}

/** The same measurement on loopback and with every request slower. */
async function nearAndFar(
  what: string,
  targets: { near: number; far: number },
  sides: { ours: Side; theirs: Side },
): Promise<void> {
  await against(what, sides, comparison => ratioFigure(comparison, targets.near))
  await against(`${what}, ${DELAY_MS} ms more per request`, { ...sides, delayMs: DELAY_MS }, comparison =>
    ratioFigure(comparison, targets.far),
  )
}

async function peakOf(what: string, sides: Array<{ mebibytes: number; side: Side }>): Promise<void> {
  const peaks: number[] = []
  for (const { side } of sides) peaks.push((await measure(side)).peakMebibytes)
  const [small = 0, large = 0] = peaks
  figures.push({
    what: `peak memory of ${what}, ${sides.map(({ mebibytes }) => mebibytes).join(' and ')} MiB`,
    value: `${small.toFixed(0)} and ${large.toFixed(0)} MiB`,
    target: 'under 300 MiB, equal within 10 %',
    reached: Math.max(small, large) < 300 && Math.abs(large - small) <= 0.1 * small,
  })
  process.stdout.write(`${figures.at(-1)?.what}: ${figures.at(-1)?.value}\n`)
}

try {
  await fillDatabase(server, 'shop', Number(values.size))
  const url = server.url('shop')
  await nearAndFar(
    'send --postgres / pg_dump | zstd -3 | age | split --filter=curl',
    { near: 1.05, far: 0.55 },
    {
      ours: cli('send', '--project', 'shop', '--type', 'database', '--postgres', url),
      theirs: shell(`pg_dump -d "$URL" | ${vault.shellUpload}`, { URL: url }),
    },
  )
  const { id } = await vault
    .ask<{ databaseRecord: BackupDetails }>(
      ...['send', '--project', 'shop', '--type', 'database', '--postgres', url],
    )
    .then(answer => answer.databaseRecord)
  const { backup, fileIds } = await vault.newest('shop')
  const out = join(folder, 'back.sql')
  const byHand = join(folder, 'back-by-hand.sql')
  await nearAndFar(
    'fetch / curl | age -d | zstd -d',
    { near: 1.25, far: 0.6 },
    {
      ours: { ...cli('fetch', id, '--out', out), prepare: () => rm(out, { force: true }) },
      theirs: {
        ...shell(`(${vault.shellDownload}) > "$OUT"`, { IDS: fileIds, OUT: byHand }),
        prepare: () => rm(byHand, { force: true }),
      },
    },
  )
  const emptyTarget = async (): Promise<void> => {
    await server.sql('postgres', 'drop database if exists target')
    await server.sql('postgres', 'create database target')
  }
  await nearAndFar(
    'restore / curl | age -d | zstd -d | psql',
    { near: 1, far: 0.6 },
    {
      ours: { ...cli('restore', id, '--to', server.url('target'), '--yes'), prepare: emptyTarget },
      theirs: {
        ...shell(`(${vault.shellDownload}) | psql -X -q -1 -v ON_ERROR_STOP=1 -d "$URL" > /dev/null`, {
          IDS: fileIds,
          URL: server.url('target'),
        }),
        prepare: emptyTarget,
      },
    },
  )
  figures.push(
    ...(await proofCosts(vault, {
      mebibytes: Number(values.size),
      isWanted: what => what.includes(values.only),
      against,
      figureOf: comparison => ratioFigure(comparison, 2),
    })),
  )
  figures.push(
    ...(await doorCosts(vault, {
      mebibytes: DOOR_MEBIBYTES,
      isWanted: what => what.includes(values.only),
      against,
    })),
  )
  const small = join(folder, 'small')
  await writeSmallFiles(small, SMALL_FILES)
  const sendSmall = ['send', '--project', 'small', '--type', 'storage', '--directory', small]
  await against(
    `send --directory, ${SMALL_FILES} files / tar | zstd -3 | age | split --filter=curl`,
    { ours: cli(...sendSmall), theirs: shell(`tar -C "$DIR" -c . | ${vault.shellUpload}`, { DIR: small }) },
    comparison => ratioFigure(comparison, 1.5),
  )
  await vault.ask(...sendSmall)
  const smallBackup = await vault.newest('small')
  const smallBack = join(folder, 'small-back')
  let used = 0
  // ext4 needs minutes to create files where as many were deleted a moment ago: nothing is deleted.
  const aside = async (): Promise<void> => {
    used += 1
    await rename(smallBack, `${smallBack}-${used}`).catch(() => {})
  }
  await against(
    `restore, ${SMALL_FILES} files / curl | age -d | zstd -d | tar -x && sync -f`,
    {
      ours: { ...cli('restore', smallBackup.backup.id, '--to', smallBack, '--yes'), prepare: aside },
      theirs: {
        ...shell(`(${vault.shellDownload}) | (tar -C "$OUT" -x && cat > /dev/null) && sync -f "$OUT"`, {
          IDS: smallBackup.fileIds,
          OUT: smallBack,
        }),
        prepare: async () => {
          await aside()
          await mkdir(smallBack)
        },
      },
    },
    comparison => ratioFigure(comparison, 2),
  )
  // A new file each time: the first reading of a hole is what takes long.
  const sparse = join(folder, 'sparse.img')
  const anew = (): Promise<void> => writeSparseFile(sparse, SPARSE_GIBIBYTES)
  await against(
    `send --file, ${SPARSE_GIBIBYTES} GiB of holes / zstd -3 | age | split --filter=curl`,
    {
      ours: {
        ...cli('send', '--project', 'sparse', '--type', 'storage', '--file', sparse),
        prepare: anew,
      },
      theirs: { ...shell(`(${vault.shellUpload}) < "$FILE"`, { FILE: sparse }), prepare: anew },
    },
    comparison => ratioFigure(comparison, 1),
  )
  await against(
    'list / node -e 0',
    { ours: cli('list'), theirs: { command: process.execPath, args: ['-e', '0'], env: {} } },
    comparison => ratioFigure(comparison, 5),
  )

  if (values.only === '') {
    const sends: Array<{ mebibytes: number; side: Side }> = []
    const fetches: Array<{ mebibytes: number; side: Side }> = []
    for (const mebibytes of MEMORY_SIZES_MEBIBYTES) {
      const file = join(folder, `random-${mebibytes}.bin`)
      await writeRandomFile(file, mebibytes)
      const project = `random-${mebibytes}`
      const send = ['send', '--project', project, '--type', 'storage', '--file', file]
      await vault.ask(...send)
      sends.push({ mebibytes, side: cli(...send) })
      const random = (await vault.newest(project)).backup
      fetches.push({ mebibytes, side: cli('fetch', random.id, '--out', join(folder, 'random-back.bin')) })
      if (mebibytes !== MEMORY_SIZES_MEBIBYTES[0]) continue
      const full = random.parts.slice(0, -1)
      const fill = full.reduce((sum, part) => sum + part.size, 0) / (full.length * (20 * 2 ** 20 - 64 * 1024))
      figures.push({
        what: 'how well parts of incompressible data are filled',
        value: `${(fill * 100).toFixed(1)} %`,
        target: 'at least 93 %',
        reached: fill >= 0.93,
      })
    }
    await peakOf('send', sends)
    await peakOf('fetch', fetches)
    await writeReport({
      pairs,
      comparisons,
      figures,
      material: [
        `Database: a plain dump of ${(backup.size / 2 ** 20).toFixed(0)} MiB, ${((backup.archive_size ?? 0) / 2 ** 20).toFixed(0)} MiB in ${backup.parts.length} parts in the chat.`,
        'Memory and filling: files of random bytes, the worst case.',
      ],
    })
  }
  for (const { what, value, target, reached } of figures) {
    process.stdout.write(`${reached ? 'reached' : 'MISSED '}  ${what}: ${value}, ${target}\n`)
  }
} finally {
  await vault.close()
}

import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BackupDetails } from '@telegram-backup/database'
import { type BenchRun, ratioFigure } from '#bench/bench-run.ts'
import { measure, type Side } from '#bench/measure.ts'
import { proofCosts } from '#bench/proof.ts'
import { fillDatabase, writeRandomFile, writeSmallFiles, writeSparseFile } from '#bench/sources.ts'
import { type BenchVault, requirePrograms } from '#bench/vault.ts'

const DELAY_MS = 500
const SMALL_FILES = 100_000
const SPARSE_GIBIBYTES = 3
const MEMORY_SIZES_MEBIBYTES = [200, 1000]

const SEND = 'send --postgres / pg_dump | zstd -3 | age | split --filter=curl'
const FETCH = 'fetch / curl | age -d | zstd -d'
const RESTORE = 'restore / curl | age -d | zstd -d | psql'
const SEND_SMALL = `send --directory, ${SMALL_FILES} files / tar | zstd -3 | age | split --filter=curl`
const RESTORE_SMALL = `restore, ${SMALL_FILES} files / curl | age -d | zstd -d | tar -x && sync -f`
const SEND_SPARSE = `send --file, ${SPARSE_GIBIBYTES} GiB of holes / zstd -3 | age | split --filter=curl`
const LIST = 'list / node -e 0'
const FILLING = 'how well parts of incompressible data are filled'
const peakOf = (command: string): string =>
  `peak memory of ${command}, ${MEMORY_SIZES_MEBIBYTES.join(' and ')} MiB`

/** Backups and restores against shell lines; gives what they worked on, a sentence each. */
export async function backupCosts(
  vault: BenchVault,
  run: BenchRun,
  of: { mebibytes: number },
): Promise<string[]> {
  await requirePrograms('age', 'zstd', 'curl')
  const material = await databaseCosts(vault, run, of)
  await proofCosts(vault, run, of)
  await smallFileCosts(vault, run)
  await sparseFileCosts(vault, run)
  const theirs: Side = { command: process.execPath, args: ['-e', '0'], env: {} }
  await run.against(LIST, { ours: vault.cli('list'), theirs }, comparison => ratioFigure(comparison, 5))
  await memoryCosts(vault, run)
  return [...material, 'Memory and filling: files of random bytes, the worst case.']
}

function slower(what: string): string {
  return `${what}, ${DELAY_MS} ms more per request`
}

/** The same measurement on loopback and with every request slower. */
async function nearAndFar(
  { emulator }: BenchVault,
  run: BenchRun,
  of: { what: string; targets: { near: number; far: number }; sides: { ours: Side; theirs: Side } },
): Promise<void> {
  const { what, targets, sides } = of
  await run.against(what, sides, comparison => ratioFigure(comparison, targets.near))
  // A round trip over an ocean and through Telegram's servers, for each request of either side.
  for (const calls of ['*', 'download'])
    emulator.faults.on(calls, { calls: Number.MAX_SAFE_INTEGER }, { kind: 'delay', ms: DELAY_MS })
  await run.against(slower(what), sides, comparison => ratioFigure(comparison, targets.far))
  emulator.faults.clear()
}

async function databaseCosts(vault: BenchVault, run: BenchRun, of: { mebibytes: number }): Promise<string[]> {
  if (!run.isWanted(...[SEND, FETCH, RESTORE].flatMap(what => [what, slower(what)]))) return []
  const { server, cli, shell, folder } = vault
  await fillDatabase(server, 'shop', of.mebibytes)
  const url = server.url('shop')
  const send = ['send', '--project', 'shop', '--type', 'database', '--postgres', url]
  await nearAndFar(vault, run, {
    what: SEND,
    targets: { near: 1.05, far: 0.55 },
    sides: { ours: cli(...send), theirs: shell(`pg_dump -d "$URL" | ${vault.shellUpload}`, { URL: url }) },
  })
  const { id } = (await vault.ask<{ databaseRecord: BackupDetails }>(...send)).databaseRecord
  const { backup, fileIds } = await vault.newest('shop')
  const out = join(folder, 'back.sql')
  const byHand = join(folder, 'back-by-hand.sql')
  await nearAndFar(vault, run, {
    what: FETCH,
    targets: { near: 1.25, far: 0.6 },
    sides: {
      ours: { ...cli('fetch', id, '--out', out), prepare: () => rm(out, { force: true }) },
      theirs: {
        ...shell(`(${vault.shellDownload}) > "$OUT"`, { IDS: fileIds, OUT: byHand }),
        prepare: () => rm(byHand, { force: true }),
      },
    },
  })
  const emptyTarget = async (): Promise<void> => {
    await server.sql('postgres', 'drop database if exists target')
    await server.sql('postgres', 'create database target')
  }
  await nearAndFar(vault, run, {
    what: RESTORE,
    targets: { near: 1, far: 0.6 },
    sides: {
      ours: { ...cli('restore', id, '--to', server.url('target'), '--yes'), prepare: emptyTarget },
      theirs: {
        ...shell(`(${vault.shellDownload}) | psql -X -q -1 -v ON_ERROR_STOP=1 -d "$URL" > /dev/null`, {
          IDS: fileIds,
          URL: server.url('target'),
        }),
        prepare: emptyTarget,
      },
    },
  })
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0)
  return [
    `Database: a plain dump of ${mebibytes(backup.size)} MiB, ${mebibytes(backup.archive_size ?? 0)} MiB in ${backup.parts.length} parts in the chat.`,
  ]
}

/** Many small files, sent and restored. */
async function smallFileCosts(vault: BenchVault, run: BenchRun): Promise<void> {
  if (!run.isWanted(SEND_SMALL, RESTORE_SMALL)) return
  const { cli, shell, folder } = vault
  const small = join(folder, 'small')
  await writeSmallFiles(small, SMALL_FILES)
  const sendSmall = ['send', '--project', 'small', '--type', 'storage', '--directory', small]
  await run.against(
    SEND_SMALL,
    { ours: cli(...sendSmall), theirs: shell(`tar -C "$DIR" -c . | ${vault.shellUpload}`, { DIR: small }) },
    comparison => ratioFigure(comparison, 1.5),
  )
  await vault.ask(...sendSmall)
  const { backup, fileIds } = await vault.newest('small')
  const smallBack = join(folder, 'small-back')
  let used = 0
  // ext4 needs minutes to create files where as many were deleted a moment ago: nothing is deleted.
  const aside = async (): Promise<void> => {
    used += 1
    await rename(smallBack, `${smallBack}-${used}`).catch(() => {})
  }
  await run.against(
    RESTORE_SMALL,
    {
      ours: { ...cli('restore', backup.id, '--to', smallBack, '--yes'), prepare: aside },
      theirs: {
        ...shell(`(${vault.shellDownload}) | (tar -C "$OUT" -x && cat > /dev/null) && sync -f "$OUT"`, {
          IDS: fileIds,
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
}

async function sparseFileCosts(
  { cli, shell, shellUpload, folder }: BenchVault,
  run: BenchRun,
): Promise<void> {
  const sparse = join(folder, 'sparse.img')
  // A new file each time: the first reading of a hole is what takes long.
  const prepare = (): Promise<void> => writeSparseFile(sparse, SPARSE_GIBIBYTES)
  const ours = cli('send', '--project', 'sparse', '--type', 'storage', '--file', sparse)
  const theirs = shell(`(${shellUpload}) < "$FILE"`, { FILE: sparse })
  await run.against(SEND_SPARSE, { ours: { ...ours, prepare }, theirs: { ...theirs, prepare } }, comparison =>
    ratioFigure(comparison, 1),
  )
}

/** Peak memory by the size of what is sent and fetched, and how full the parts are. */
async function memoryCosts(vault: BenchVault, run: BenchRun): Promise<void> {
  if (!run.isWanted(FILLING, peakOf('send'), peakOf('fetch'))) return
  const { cli, folder } = vault
  const sends: number[] = []
  const fetches: number[] = []
  for (const mebibytes of MEMORY_SIZES_MEBIBYTES) {
    const file = join(folder, `random-${mebibytes}.bin`)
    await writeRandomFile(file, mebibytes)
    const project = `random-${mebibytes}`
    const send = cli('send', '--project', project, '--type', 'storage', '--file', file)
    sends.push((await measure(send)).peakMebibytes)
    const { backup } = await vault.newest(project)
    const fetch = cli('fetch', backup.id, '--out', join(folder, 'random-back.bin'))
    fetches.push((await measure(fetch)).peakMebibytes)
    if (mebibytes === MEMORY_SIZES_MEBIBYTES[0]) addFilling(run, backup)
  }
  addPeaks(run, 'send', sends)
  addPeaks(run, 'fetch', fetches)
}

function addFilling(run: BenchRun, { parts }: BackupDetails): void {
  const full = parts.slice(0, -1)
  const fill = full.reduce((sum, part) => sum + part.size, 0) / (full.length * (20 * 2 ** 20 - 64 * 1024))
  run.add({
    what: FILLING,
    value: `${(fill * 100).toFixed(1)} %`,
    target: 'at least 93 %',
    reached: fill >= 0.93,
  })
}

function addPeaks(run: BenchRun, command: string, [small = 0, large = 0]: readonly number[]): void {
  run.add({
    what: peakOf(command),
    value: `${small.toFixed(0)} and ${large.toFixed(0)} MiB`,
    target: 'under 300 MiB, equal within 10 %',
    reached: Math.max(small, large) < 300 && Math.abs(large - small) <= 0.1 * small,
  })
}

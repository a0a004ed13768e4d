import { readFile } from 'node:fs/promises'
import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'
import { type BenchRun, ratioFigure } from '#bench/bench-run.ts'
import type { Side } from '#bench/measure.ts'
import type { BenchVault } from '#bench/vault.ts'

const MODES = ['count', 'fast', 'sha256'] as const
const MEBIBYTE = 2 ** 20

/** What hashing costs most and least for: short rows, and long values that PostgreSQL stores compressed. */
const DATABASES: Readonly<Record<string, (mebibytes: number) => string>> = {
  'narrow rows': mebibytes => `
    create table accounts as select n as aid, n % 10 as bid, 0 as abalance, repeat(' ', 84)::char(84) as filler
    from generate_series(1, ${Math.round((mebibytes * MEBIBYTE) / 97)}) n`,
  'long values': mebibytes => `
    create table documents as select n, (select string_agg(md5(n::text || m) || repeat(' ', 32), '') from generate_series(1, 320) m) as body
    from generate_series(1, ${Math.round((mebibytes * MEBIBYTE) / 20_480)}) n`,
}

/** The server's processor time so far, of all sessions that have ended. The kernel counts in hundredths. */
async function processorSeconds({ pid }: PostgresServer): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  return (Number(fields[13]) + Number(fields[14])) / 100
}

/** Sends with each proof against sends without: how long they take, and what they cost the server. */
export async function proofCosts(
  { server, cli }: BenchVault,
  run: BenchRun,
  of: { mebibytes: number },
): Promise<void> {
  for (const [rows, fill] of Object.entries(DATABASES)) {
    const name = rows.replace(' ', '_')
    if (!run.isWanted(...MODES.map(mode => titleOf(mode, rows)))) continue
    await server.sql('postgres', `create database ${name}`)
    await server.sql(name, `${fill(of.mebibytes)}; vacuum analyze`)
    const send = (proof: string): Side => ({
      ...cli(
        'send',
        '--project',
        name,
        '--type',
        'database',
        '--postgres',
        server.url(name),
        '--proof',
        proof,
      ),
      server: { processorSeconds: () => processorSeconds(server) },
    })
    for (const mode of MODES) {
      await run.against(titleOf(mode, rows), { ours: send(mode), theirs: send('off') }, comparison =>
        ratioFigure(comparison, 2),
      )
    }
  }
}

function titleOf(mode: string, rows: string): string {
  return `send --proof ${mode} / --proof off, ${rows}`
}

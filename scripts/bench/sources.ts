import { randomBytes } from 'node:crypto'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PostgresServer } from '@telegram-backup/test-support/servers/postgres-server.ts'

const MEBIBYTE = 2 ** 20
/** What one row of the table takes in a plain dump, about. */
const ROW_BYTES = 330

/**
 * A database whose dump has about so many MiB, hex and words: zstd makes it about two and a half times
 * smaller.
 */
export async function fillDatabase(server: PostgresServer, name: string, mebibytes: number): Promise<void> {
  await server.sql('postgres', `create database ${name}`)
  await server.sql(
    name,
    `create table orders (id bigint primary key, customer text, at timestamptz, token text, payload jsonb, notes text);
     insert into orders
     select n, 'customer ' || n % 977, '2026-01-01'::timestamptz + n * interval '1 second',
       md5(n::text) || md5((n * 7)::text), jsonb_build_object('state', 'paid', 'sum', n % 1000, 'ref', md5((n * 13)::text)),
       repeat('a note like many others ', 3) || md5((n * 31)::text)
     from generate_series(1, ${Math.round((mebibytes * MEBIBYTE) / ROW_BYTES)}) n;
     create index on orders (customer);
     vacuum analyze;`,
  )
}

/** Random bytes: as large in the chat as on disk. */
export async function writeRandomFile(path: string, mebibytes: number): Promise<void> {
  const file = await open(path, 'w')
  for (let written = 0; written < mebibytes; written += 4) await file.write(randomBytes(4 * MEBIBYTE))
  await file.close()
}

/** Small files of text, 500 in each folder. */
export async function writeSmallFiles(folder: string, files: number): Promise<void> {
  for (let number = 0; number < files; number++) {
    const inside = join(folder, String(Math.floor(number / 500)))
    if (number % 500 === 0) await mkdir(inside, { recursive: true })
    await writeFile(join(inside, `${number}.txt`), `file ${number}, some words in it\n`.repeat(50))
  }
}

/** A new file of zeros that takes no room, and one MiB of random bytes in its middle. */
export async function writeSparseFile(path: string, gibibytes: number): Promise<void> {
  await rm(path, { force: true })
  const file = await open(path, 'w')
  await file.write(randomBytes(MEBIBYTE), 0, MEBIBYTE, (gibibytes * 1024 * MEBIBYTE) / 2)
  await file.truncate(gibibytes * 1024 * MEBIBYTE)
  await file.close()
}

/** Files of random bytes: a sixteenth of them in files of 64 KiB, the rest in files of 4 MiB. */
export async function writeRandomTree(folder: string, mebibytes: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (let number = 0; number < mebibytes; number++)
    await writeFile(join(folder, `small-${number}`), randomBytes(MEBIBYTE / 16))
  for (let number = 0; number < Math.round((mebibytes * 15) / 16 / 4); number++)
    await writeFile(join(folder, `large-${number}`), randomBytes(4 * MEBIBYTE))
}

import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  type PostgresServer,
  startPostgresServer,
} from '@telegram-backup/test-support/servers/postgres-server.ts'
import { SALES } from '@telegram-backup/test-support/servers/sales-schema.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asText } from '#postgres/restore/selection/dump-names.ts'
import { readTocEntry } from '#postgres/restore/selection/toc-entry.ts'
import { DumpScanner } from '#postgres/restore/sql/dump-scanner.ts'
import { PassThrough } from '#postgres/restore/sql/pass-through.ts'

const run = promisify(execFile)

/** In a plain dump, rights and the rows of materialized views stand at the end. */
const PASSES = [/^(?!ACL |MATERIALIZED VIEW DATA )/, /^ACL /, /^MATERIALIZED VIEW DATA /]

describe.each(['15', '17'])('the entries of a plain dump by pg_dump %s', major => {
  const bin = `/usr/lib/postgresql/${major}/bin`
  let server: PostgresServer
  let folder: string

  beforeAll(async () => {
    server = await startPostgresServer(bin)
    folder = await mkdtemp(join(tmpdir(), 'toc-entries-'))
    await server.sql('postgres', 'create role reader; create role clerk; create database source')
    await server.sql('source', SALES)
  })

  afterAll(async () => {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('are those that pg_restore lists of a custom dump of the same database', async () => {
    const file = (format: string): string => join(folder, format)
    for (const format of ['plain', 'custom'])
      await run(join(bin, 'pg_dump'), ['-F', format, '-f', file(format), '-d', server.url('source')])
    const { stdout } = await run(join(bin, 'pg_restore'), ['-l', file('custom')])
    // 215; 1259 16390 TABLE sales customer owner
    const listed = stdout
      .split('\n')
      .map(line => /^\d+; \d+ \d+ (.*)$/.exec(line)?.[1])
      .filter(line => line !== undefined)
      // They set up the session, and have no comment in a plain dump.
      .filter(line => !/^(ENCODING|STDSTRINGS|SEARCHPATH) /.test(line))
    const found = await entriesIn(file('plain'))
    expect(found.length).toBeGreaterThan(60)
    expect(found).toEqual(PASSES.flatMap(pass => listed.filter(entry => pass.test(entry))))
  })
})

/** In the words of pg_restore; an unclear one by its comment. */
async function entriesIn(path: string): Promise<string[]> {
  const found: string[] = []
  const comment = (line: string): void => {
    const entry = readTocEntry(line)
    if (entry === undefined) return
    if (entry !== 'unclear') {
      found.push(asText(`${entry.type} ${entry.schema} ${entry.name} ${entry.owner}`))
      return
    }
    const [, name, type, schema, owner] =
      /Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: (.*)$/.exec(line) ?? []
    found.push(asText(`${type} ${schema} ${name} ${owner}`))
  }
  const scanner = new DumpScanner({
    text: new PassThrough(),
    reader: { begin: () => true, end: () => {}, copy: () => false, comment },
  })
  for await (const chunk of createReadStream(path, { highWaterMark: 777 })) scanner.push(chunk as Buffer)
  scanner.finish()
  return found
}

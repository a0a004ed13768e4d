import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findPostmaster } from '#embedded/postmaster.ts'
import { openDatabase, queryBackups } from '#index.ts'
import { type ClientProcess, startClient } from '#test/client-process.ts'
import { TestStateFolder } from '#test/state-folders.ts'

let folder: TestStateFolder
beforeEach(() => {
  folder = new TestStateFolder()
})
afterEach(() => folder.remove())

const ROUNDS = 10
const CLIENTS = 4

/** Kills what the round is about, at a random moment; the other clients go on. */
async function killSomething(round: number, clients: ClientProcess[]): Promise<void> {
  await delay(Math.random() * 400)
  const killServer = () => {
    try {
      const postmaster = findPostmaster(folder.data)
      if (postmaster) process.kill(postmaster, 'SIGKILL')
    } catch {
      // It has not been made yet, or has just been stopped.
    }
  }
  if (round % 3 === 0) clients[0]?.child.kill('SIGKILL')
  if (round % 3 === 1) killServer()
  if (round % 3 === 2) {
    for (const client of clients) client.child.kill('SIGKILL')
    killServer()
  }
}

test('clients and servers are killed at random: what was acknowledged is there, and nothing stays behind', async () => {
  const acknowledged: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const clients = Array.from({ length: CLIENTS }, () => startClient([folder.path, 'write', '15']))
    await killSomething(round, clients)
    for (const client of clients) {
      const ended = await client.ended
      acknowledged.push(...client.lines.filter(line => line.startsWith('ack ')).map(line => line.slice(4)))
      // Only a killed server excuses an error, and only the loss of a connection.
      if (round % 3 === 0) expect([0, 'SIGKILL'], client.complaints.join('\n')).toContain(ended)
      else if (ended === 3) expect(client.complaints.join('\n')).toMatch(/connection to the catalog was lost/)
    }
  }
  const database = await openDatabase({ dataDir: folder.path })
  const present = new Set((await queryBackups(database)).data.map(({ id }) => id))
  await database.close()
  expect(acknowledged.length).toBeGreaterThan(0)
  expect(acknowledged.filter(id => !present.has(id))).toEqual([])
  folder.expectNothingLeft()
})

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  acquireLease,
  beginHookRun,
  type Database,
  endHookRun,
  type LockWait,
  withIndexLock,
} from '#index.ts'

/** A caller that waits for locks. */
export function describeLockWait(open: () => Promise<Database>): void {
  describe('a caller that waits for locks', () => {
    let database: Database
    let notes: string[]
    let stop: AbortController
    beforeEach(async () => {
      database = await open()
      notes = []
      stop = new AbortController()
    })
    const waiting = (forMs: number): Database => {
      const lockWait: LockWait = { forMs, note: line => notes.push(line), signal: stop.signal }
      return { ...database, lockWait }
    }

    test('gets a lease as soon as it is free, and says who has it and since when', async () => {
      const subject = randomUUID()
      const first = await acquireLease(database, { subject, purpose: 'send' })
      const second = acquireLease(waiting(20_000), { subject, purpose: 'verify' })
      await expect.poll(() => notes).toHaveLength(1)
      expect(notes[0]).toMatch(
        /^waiting, 20 s at most: Another run works on this backup since 2\d{3}-.*Z \(send, process \d+ on .+\)$/,
      )
      await first?.release()
      const lease = await second
      expect(lease?.isHeld()).toBe(true)
      await lease?.release()
    })

    test('gives up after its time, at once with 0, and never waits to reconcile', async () => {
      const subject = randomUUID()
      const first = await acquireLease(database, { subject, purpose: 'send' })
      const since = performance.now()
      expect(await acquireLease(waiting(0), { subject, purpose: 'verify' })).toBeNull()
      expect(await acquireLease(waiting(60_000), { subject, purpose: 'reconcile' })).toBeNull()
      expect(performance.now() - since).toBeLessThan(5_000)
      expect(await acquireLease(waiting(300), { subject, purpose: 'verify' })).toBeNull()
      await first?.release()
    })

    test('ends with its signal', async () => {
      const run = await beginHookRun(database, 'shop')
      const second = beginHookRun(waiting(60_000), 'shop')
      await sleep(100)
      stop.abort()
      await expect(second).rejects.toMatchObject({ code: 'CANCELLED' })
      await endHookRun(database, run)
    })

    test('waits for the index of a chat for its own time, and says since when others write it', async () => {
      let end: (() => void) | undefined
      const held = withIndexLock(database, '-1001', () => new Promise<void>(resolve => (end = resolve)))
      await expect.poll(() => end).toBeDefined()
      await expect(withIndexLock(waiting(200), '-1001', async () => {})).rejects.toMatchObject({
        code: 'BUSY',
        message: expect.stringContaining('within 0.2 s'),
      })
      const second = withIndexLock(waiting(30_000), '-1001', async () => 'mine')
      await expect.poll(() => notes, { timeout: 15_000 }).toHaveLength(1)
      expect(notes[0]).toMatch(
        /^waiting, \d+ s at most: another process writes the index of the chat -1001 since 2\d{3}-/,
      )
      end?.()
      expect(await second).toBe('mine')
      await held
    })
  })
}

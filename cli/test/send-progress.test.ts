import { describe, expect, it } from 'vitest'
import { SendFollower } from '#commands/send-progress.ts'
import { VerifyFollower } from '#commands/verify-progress.ts'

const MIB = 2 ** 20
const READ = { plainBytesRead: 0, plainBytesEstimated: undefined, plainBytesTotal: undefined }

/** A send with a clock that is moved by hand. */
function sendAt(pace: { messagesPerMinute: number }) {
  const clock = { ms: 5_000 }
  const follower = new SendFollower({ ...pace, partSizeBytes: 20 * MIB }, () => clock.ms)
  return { clock, follower, line: () => follower.facts().map(({ text }) => text) }
}

describe('the progress of a send', () => {
  it('has a time that is left which the pace of the chat bounds, not the line', () => {
    const { clock, follower, line } = sendAt({ messagesPerMinute: 20 })
    const total = { ...READ, plainBytesTotal: 1640 * MIB }
    follower.follow({ ...total, plainBytesOut: 0, bytesOut: 0, partsSent: 0 })
    clock.ms += 20_000
    follower.follow({ ...total, plainBytesOut: 820 * MIB, bytesOut: 410 * MIB, partsSent: 20 })
    // Half the plain bytes became 410 MiB: 21 more parts and the manifest, the first of them in a minute.
    expect(line()).toEqual([
      '[############------------]',
      ' 50 %',
      '410.0 MiB sent',
      '20 parts',
      '20.5 MiB/s',
      '2:00 left',
    ])
  })

  it('counts a wait down, and says nothing of one that has ended', () => {
    const { clock, follower, line } = sendAt({ messagesPerMinute: 20 })
    const wait = { reason: 'pace', seconds: 33 } as const
    follower.follow({ ...READ, plainBytesOut: 0, bytesOut: 0, partsSent: 20, wait })
    clock.ms += 3_000
    expect(line()).toContain('(waiting, because of TELEGRAM_MESSAGES_PER_MINUTE 0:30)')
    clock.ms += 31_000
    expect(line()).toEqual(['0 B read', '0 B sent', '20 parts'])
  })

  it('promises nothing once an estimate turns out too low', () => {
    const { clock, follower, line } = sendAt({ messagesPerMinute: 0 })
    const estimate = { ...READ, plainBytesEstimated: 10 * MIB }
    follower.follow({ ...estimate, plainBytesOut: 0, bytesOut: 0, partsSent: 0 })
    clock.ms += 2_000
    follower.follow({
      ...estimate,
      plainBytesRead: 12 * MIB,
      plainBytesOut: 5 * MIB,
      bytesOut: MIB,
      partsSent: 1,
    })
    expect(line()).toContain('about  50 %')
    follower.follow({
      ...estimate,
      plainBytesRead: 12 * MIB,
      plainBytesOut: 11 * MIB,
      bytesOut: MIB,
      partsSent: 1,
    })
    expect(line()).toEqual(['12.0 MiB read', '1.0 MiB sent', '1 part', '512.0 KiB/s'])
  })
})

describe('the progress of a verification', () => {
  it('counts the bytes of all backups, and says which of them it is', () => {
    const backup = { archive_size: 100 * MIB, part_count: 5 } as never
    const follower = new VerifyFollower({ backups: [backup, backup], readData: true, messagesPerMinute: 0 })
    follower.follow({ bytes_done: 50 * MIB, bytes_total: 100 * MIB, parts_done: 3 }, 1)
    const [which, , share, messages, read] = follower.facts().map(({ text }) => text)
    expect([which, share, messages, read]).toEqual([
      'backup 2 of 2',
      ' 75 %',
      '3 messages',
      '50.0 MiB of 100.0 MiB read',
    ])
  })
})

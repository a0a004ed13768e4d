import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { BackupSendResult, SendBackupOptions } from '#index.ts'
import { type EmulatedChat, PART_SIZE_BYTES } from '#test/emulated-chat.ts'
import { type RecordingLedger, recordingLedger } from '#test/recording-ledger.ts'

/** How many parts `sendSixParts` makes; the manifest comes after them. */
export const PARTS = 6

/** Sends a backup of six parts, one after the other unless told otherwise. */
export async function sendSixParts(
  chat: EmulatedChat,
  options: Partial<SendBackupOptions> & { partsInFlight?: number; ledger?: RecordingLedger } = {},
): Promise<{ result: BackupSendResult; ledger: RecordingLedger }> {
  const { partsInFlight = 1, ledger = recordingLedger(), ...rest } = options
  const service = chat.createService({ partsInFlight })
  const result = await service.sendBackup({
    projectId: 'shop',
    type: 'database',
    // Random bytes take 32 KiB blocks, and a part of 64 KiB holds one of them.
    file: randomBytes((PARTS * PART_SIZE_BYTES) / 2),
    ledger,
    ...rest,
  })
  return { result, ledger }
}

/** The messages of a run that the chat holds, as the ledger names them: `part 3`, `manifest`. */
export function inChat(chat: EmulatedChat): string[] {
  return chat.messages().map(message => {
    const line = message.caption?.split('\n').at(-1) ?? ''
    const [, number] = / part=(\d+) /.exec(line) ?? []
    return number === undefined ? 'manifest' : `part ${number}`
  })
}

/**
 * What must hold after every failed send, whatever became of it: no record claims more, or less, than the
 * chat holds.
 */
export function expectHonestFailure(
  chat: EmulatedChat,
  { result, ledger }: { result: BackupSendResult; ledger: RecordingLedger },
): void {
  expect(result.success).toBe(false)
  expect(result.metadata).toBeUndefined()
  expect(result.error).not.toBe('')
  const left = inChat(chat)
  expect(result.leftInChat ?? 0).toBeGreaterThanOrEqual(left.length)
  // Whatever is left, the ledger knows that it may be.
  for (const message of left) expect(['intended', 'confirmed']).toContain(ledger.states.get(message))
  expect(new Set(left).size).toBe(left.length)
  const opened = ledger.calls.includes('openBackup')
  expect(ledger.calls.filter(call => call === 'failBackup')).toHaveLength(opened ? 1 : 0)
  if (opened) {
    expect(ledger.calls.at(-1)).toBe('failBackup')
    expect(ledger.reasons).toEqual([result.error])
  }
}

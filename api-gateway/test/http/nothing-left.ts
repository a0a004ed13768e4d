import { getBackupDetails, type Job } from '@telegram-backup/database'
import { expectNothingLost } from '@telegram-backup/test-support/nothing-lost.ts'
import { expect } from 'vitest'
import type { TestService } from '#test/http/http-service.ts'

/** Of an upload that came to nothing there is no message in the chat, and nothing says that there is one. */
export async function expectNothingLeft({ database, vault }: TestService, job: Job): Promise<void> {
  const backup = job.backup_id === null ? null : await getBackupDetails(database, job.backup_id)
  expect(backup?.state ?? 'failed').toBe('failed')
  expect(backup?.parts.filter(({ state }) => state === 'sent') ?? []).toEqual([])
  await expectNothingLost(vault, { database, chatId: vault.chatId })
}

import { expect, it } from 'vitest'
import { BackupError } from '#backup-error.ts'
import { commandLineWords, hint, option, run } from '#hint.ts'

const ADVICE = hint`Give ${option('links', 'skip')}, or see "${run('list', { state: 'complete' })}" and ${run('show', 'ID')}.`

it('a hint has the words of the command line by itself', () => {
  const error = new BackupError('no', { hint: ADVICE })
  expect(error.hint).toBe(
    'Give --links skip, or see "telegram-backup list --state complete" and telegram-backup show ID.',
  )
  expect(error.advice?.in(commandLineWords)).toBe(error.hint)
})

it('a hint is worded by each face, and has no words where a face has none for an action', () => {
  const upper = ADVICE.in(action => ('option' in action ? action.option.toUpperCase() : action.command))
  expect(upper).toBe('Give LINKS, or see "list" and show.')
  expect(ADVICE.in(action => ('option' in action ? undefined : action.command))).toBeUndefined()
})

it('a hint that is plain text stays what it is', () => {
  const { hint: words, advice } = new BackupError('no', { hint: 'Set TELEGRAM_CHAT_ID.' })
  expect(words).toBe('Set TELEGRAM_CHAT_ID.')
  expect(advice).toBeUndefined()
})

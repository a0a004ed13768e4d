import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { setStage } from '#test/bot-client.ts'

const run = promisify(execFile)

test('curl uploads a file with --form and downloads it', async () => {
  await using stage = await setStage()
  const { emulator, client, chat } = stage
  const api = `${emulator.url}/bot${client.bot.token}`
  const form = ['--form', `chat_id=${chat.id}`, '--form', `document=@${import.meta.filename}`]
  const sent = JSON.parse(
    (await run('curl', ['--silent', '--show-error', ...form, `${api}/sendDocument`])).stdout,
  )
  const fileId = sent.result.document.file_id
  const got = JSON.parse(
    (await run('curl', ['--silent', '--data', `file_id=${fileId}`, `${api}/getFile`])).stdout,
  )
  const url = `${emulator.url}/file/bot${client.bot.token}/${got.result.file_path}`
  const { stdout } = await run('curl', ['--silent', url])
  const [message] = emulator.inspect.messages(chat.id)
  expect(Buffer.byteLength(stdout)).toBe(message?.document?.file_size)
  expect(stdout).toContain('curl uploads a file with --form')
})

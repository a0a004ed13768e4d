import { Readable } from 'node:stream'
import { Bot, GrammyError, InputFile } from 'grammy'
import { expect, test } from 'vitest'
import { type Stage, setStage } from '#test/bot-client.ts'

const grammyBot = ({ emulator, client }: Stage) =>
  new Bot(client.bot.token, { client: { apiRoot: emulator.url } })

test('grammY uploads a buffer and a stream, under names with spaces and parentheses', async () => {
  await using stage = await setStage()
  const { api } = grammyBot(stage)
  const bytes = Buffer.from('a backup\r\n--with\r\n\r\nline breaks')
  const buffered = await api.sendDocument(stage.chat.id, new InputFile(bytes, 'my backup (1).zst'), {
    caption: 'one',
  })
  expect(buffered.document).toMatchObject({ file_name: 'my backup (1).zst', file_size: bytes.length })
  const stream = Readable.from([bytes.subarray(0, 9), bytes.subarray(9)])
  const streamed = await api.sendDocument(stage.chat.id, new InputFile(stream, 'копия.zst'))
  expect(streamed.document.file_name).toBe('копия.zst')
  for (const message of [buffered, streamed]) {
    expect(await stage.emulator.inspect.documentBytes(stage.chat.id, message.message_id)).toEqual(bytes)
  }
})

test('grammY replaces a document in place and reads it back', async () => {
  await using stage = await setStage()
  const { api } = grammyBot(stage)
  const sent = await api.sendDocument(stage.chat.id, new InputFile(Buffer.from('old'), 'a.zst'))
  await api.pinChatMessage(stage.chat.id, sent.message_id)
  await api.editMessageMedia(stage.chat.id, sent.message_id, {
    type: 'document',
    media: new InputFile(Buffer.from('new'), 'b.zst'),
    caption: 'second',
  })
  const { pinned_message: pinned } = await api.getChat(stage.chat.id)
  expect(pinned).toMatchObject({
    message_id: sent.message_id,
    caption: 'second',
    document: { file_name: 'b.zst' },
  })
  const file = await api.getFile(pinned?.document?.file_id ?? '')
  const answer = await fetch(`${stage.emulator.url}/file/bot${stage.client.bot.token}/${file.file_path}`)
  expect(await answer.text()).toBe('new')
})

test('grammY throws its own error with the description of a refusal', async () => {
  await using stage = await setStage()
  const failure = await grammyBot(stage)
    .api.deleteMessage(stage.chat.id, 77)
    .catch(error => error)
  expect(failure).toBeInstanceOf(GrammyError)
  expect(failure).toMatchObject({ error_code: 400, description: 'Bad Request: message to delete not found' })
})

test('grammY polls: a bot answers what a human writes', async () => {
  await using stage = await setStage({ type: 'supergroup' })
  const bot = grammyBot(stage)
  const answered = new Promise<void>((resolve, reject) => {
    bot.catch(reject)
    bot.on('message:text', async context => {
      await context.reply(`you wrote ${context.message.text}`)
      resolve()
    })
  })
  const polling = bot.start()
  await stage.emulator.asHuman.post(stage.chat.id, { text: 'hello' })
  await answered
  await bot.stop()
  await polling
  expect(stage.emulator.inspect.messages(stage.chat.id).map(message => message.text)).toEqual([
    'hello',
    'you wrote hello',
  ])
})

import type { Chance } from '#torture/chance.ts'
import { readCaption } from '#torture/judge/captions.ts'
import type { World } from '#torture/world/world.ts'

/** What a person does to the chat. */
export type HumanAct =
  | 'writes a message'
  | 'copies a message of the program'
  | 'deletes a part'
  | 'deletes a manifest'
  | 'deletes a pack'
  | 'deletes the index'
  | 'unpins everything'
  | 'pins a message of theirs'

const ACTS: ReadonlyArray<readonly [HumanAct, number]> = [
  ['writes a message', 4],
  ['copies a message of the program', 3],
  ['deletes a part', 1],
  ['deletes a manifest', 1],
  ['deletes a pack', 1],
  ['deletes the index', 1],
  ['unpins everything', 1],
  ['pins a message of theirs', 1],
]

/** Lets a person act in the chat; gives what was done, or undefined when there was nothing to do it to. */
export async function actAsHuman(world: World, chance: Chance): Promise<HumanAct | undefined> {
  const { emulator } = world
  if (!emulator) return undefined
  const chatId = Number(world.chat.id)
  const act = chance.weighted(ACTS)
  const write = async (): Promise<number> => {
    const id = await emulator.asHuman.post(chatId, { text: 'Is this still needed?' })
    world.human.wrote.add(id)
    return id
  }
  switch (act) {
    case 'writes a message':
      await write()
      return act
    case 'copies a message of the program': {
      const ours = (await world.chat.view.messages()).filter(({ byBot, document }) => byBot && document)
      if (ours.length === 0) return undefined
      const { id, caption, document } = chance.pick(ours)
      // As a forward without its origin: the same words, the same bytes, and by somebody else.
      const copy = await emulator.asHuman.post(chatId, {
        ...(caption === undefined ? {} : { caption }),
        document: { fileName: document?.fileName ?? '', bytes: await world.chat.view.bytes(id) },
      })
      world.human.wrote.add(copy)
      const facts = readCaption(caption)
      if (facts && 'backupId' in facts) world.human.copies.set(copy, facts.backupId)
      return act
    }
    case 'pins a message of theirs':
      emulator.asHuman.pin(chatId, await write())
      world.human.pinned = true
      return act
    case 'unpins everything':
      emulator.asHuman.unpin(chatId)
      world.human.pinned = true
      return act
    case 'deletes the index': {
      const [row] = await world.catalog.rows(
        `select index_message_id as id from control_plane.chats where chat_id = '${world.chat.id}'`,
      )
      const id = Number(row?.['id'] ?? 0)
      if (!isAlive(world, id)) return undefined
      emulator.asHuman.deleteMessage(chatId, id)
      world.human.deleted.add(id)
      world.human.pinned = true
      return act
    }
    case 'deletes a pack': {
      const rows = await world.catalog.rows(
        `select message.message_id, pack.id, pack.checkpoint_id from control_plane.pack_messages message
           join control_plane.packs pack on pack.id = message.pack_id
          where message.state = 'sent' and message.chat_id = '${world.chat.id}' order by message.message_id`,
      )
      if (rows.length === 0) return undefined
      const row = chance.pick(rows)
      const id = Number(row['message_id'])
      if (!isAlive(world, id)) return undefined
      emulator.asHuman.deleteMessage(chatId, id)
      world.human.deleted.add(id)
      world.human.packs = true
      await doubtPack(world, String(row['id']), { isCheckpoint: row['checkpoint_id'] !== null })
      return act
    }
    default: {
      const kind = act === 'deletes a part' ? 'part' : 'manifest'
      const rows = await world.catalog.rows(
        `select p.backup_id, p.message_id from control_plane.backup_parts p join control_plane.backups b on b.id = p.backup_id
         where b.state = 'complete' and p.kind = '${kind}' and p.state = 'sent' and p.chat_id = '${world.chat.id}'
         order by p.message_id`,
      )
      if (rows.length === 0) return undefined
      const row = chance.pick(rows)
      const id = Number(row['message_id'])
      if (!isAlive(world, id)) return undefined
      emulator.asHuman.deleteMessage(chatId, id)
      world.human.deleted.add(id)
      world.human.damaged.add(String(row['backup_id']))
      return act
    }
  }
}

/**
 * What a pack tells of may be there or not without it. Without a checkpoint, packs that were erased tell
 * nothing any more, and any delete may be forgotten.
 */
async function doubtPack(
  world: World,
  pack: string,
  { isCheckpoint }: { isCheckpoint: boolean },
): Promise<void> {
  const rows = await world.catalog.rows(
    `select bucket.name, object.key from control_plane.objects object
       join control_plane.object_buckets bucket on bucket.id = object.bucket_id
      where object.pack_id = '${pack}' or object.deleted_in = '${pack}'
         or exists (select from control_plane.extents e where e.object_id = object.id and e.pack_id = '${pack}')`,
  )
  const told = new Set(rows.map(({ name, key }) => `${name} ${key}`))
  world.objects.doubt(
    one => told.has(`${one.bucket} ${one.key}`) || (isCheckpoint && one.presence === 'gone'),
  )
}

function isAlive({ emulator, chat }: World, messageId: number): boolean {
  return emulator?.inspect.messages(Number(chat.id)).some(({ message_id: id }) => id === messageId) ?? false
}

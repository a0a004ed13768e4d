import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateIdentity } from '@telegram-backup/archive'
import { type Emulator, startEmulator } from '@telegram-backup/bot-api-emulator'
import type { Chance } from '#torture/chance.ts'
import { type Catalog, catalogByUrl, embeddedCatalog } from '#torture/world/catalog.ts'
import type { CatalogServer } from '#torture/world/catalog-server.ts'
import { type ChatView, emulatedView, probedView } from '#torture/world/chat-view.ts'
import { ObjectLedger } from '#torture/world/object-ledger.ts'

/** Parts of the least size, so that small files have several. */
export const PART_SIZE_BYTES: number = 64 * 1024

/** What a send was given. */
interface Given {
  readonly size: number
  readonly sha256: string
}

/** What people did to the chat. */
interface HumanTraces {
  /** Messages of theirs. */
  readonly wrote: Set<number>
  /** Messages of the program that they deleted, and the backups that these belong to. */
  readonly deleted: Set<number>
  readonly damaged: Set<string>
  /** Messages of theirs that are copies of the program's, and the backups that those belong to. */
  readonly copies: Map<number, string>
  /** Whether they changed what is pinned. */
  pinned: boolean
  /** Whether they deleted a pack. */
  packs: boolean
}

/** One chat with all that works on it: what a seed plays on. */
export interface World {
  readonly folder: string
  readonly apiRoot: string
  /** Undefined with somebody else's Bot API server: then nothing can be broken there, and no human acts. */
  readonly emulator: Emulator | undefined
  readonly chat: { readonly id: string; readonly view: ChatView }
  readonly replica: { readonly id: string; readonly view: ChatView } | undefined
  readonly identity: string
  /** The one in use; another after a recovery. */
  catalog: Catalog
  /** Those that a recovery has succeeded: machines that may wake up again. */
  readonly former: Catalog[]
  /** Token of the bot in use, and whether an earlier one has sent some of what is there. */
  token: string
  isOfAnotherBot: boolean
  /** Every content that any send was given, by SHA-256. */
  readonly given: Map<string, Given>
  /** Backups that a send has reported as done, with the SHA-256 of what it was given. */
  readonly acknowledged: Map<string, string>
  /** Backups that an erase was ordered for. */
  readonly condemned: Set<string>
  /** For each `send --resume`: the backup, and the source that it is of. */
  readonly resumed: Array<{ readonly backupId: string; readonly source: string | null }>
  /**
   * Backups that the last `reconcile` has said to keep although they are marked: the last good ones, not
   * approved.
   */
  kept: ReadonlySet<string>
  /** Objects that were put through a door, and what their writers were told. */
  readonly objects: ObjectLedger
  /**
   * Packs, as `pack ID`, that a machine sent while another one took the chat over, and that it never
   * counted; copies of others, as `CHAT pack ID`.
   */
  readonly strays: Set<string>
  /** Ids of packs that a machine erased as garbage, perhaps while another one took the chat over. */
  readonly collected: Set<string>
  readonly human: HumanTraces
  /**
   * Settings of the program under test on the machine of a catalog, without those of the ways to the
   * servers.
   */
  environment(catalog?: Catalog): Record<string, string>
  /** Makes another bot administrator of the chats, and gives its token; the world's own stays in use. */
  anotherBot(): string
  /** A catalog and a state folder as on a new machine. */
  newMachine(): Promise<Catalog>
  close(): Promise<void>
}

/** A chat on a server that is not the harness's. */
export interface ForeignServer {
  readonly apiRoot: string
  readonly token: string
  readonly chatId: string
}

/** Makes the world of a seed. Everything of it lies in one folder, removed by `close`. */
export async function openWorld(
  chance: Chance,
  options: { server: CatalogServer; foreign?: ForeignServer | undefined; plain?: boolean; twoChats?: number },
): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'torture-world-'))
  await chmod(folder, 0o711)
  await mkdir(join(folder, 'tmp'), { mode: 0o1777 })
  const { identity, recipient } = await generateIdentity()
  const keyFile = join(folder, 'key.txt')
  await writeFile(keyFile, `${identity}\n`, { mode: 0o600 })
  const place = options.foreign
    ? await foreignPlace(options.foreign)
    : await emulatedPlace(folder, chance, options)
  let machines = 0
  const newMachine = async (): Promise<Catalog> => {
    const home = join(folder, `home-${++machines}`)
    return isEmbedded ? embeddedCatalog(home) : await catalogByUrl(options.server, home)
  }
  const isEmbedded = !options.plain && chance.happens(0.06)
  const catalogs: Catalog[] = []
  const remembered = async (): Promise<Catalog> => {
    const catalog = await newMachine()
    catalogs.push(catalog)
    return catalog
  }
  const world: World = {
    folder,
    ...place,
    identity,
    catalog: await remembered(),
    former: [],
    isOfAnotherBot: false,
    given: new Map(),
    acknowledged: new Map(),
    condemned: new Set(),
    resumed: [],
    kept: new Set(),
    objects: new ObjectLedger(),
    strays: new Set(),
    collected: new Set(),
    human: {
      wrote: new Set(),
      deleted: new Set(),
      damaged: new Set(),
      copies: new Map(),
      pinned: false,
      packs: false,
    },
    newMachine: remembered,
    environment: (catalog = world.catalog) => ({
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      XDG_CACHE_HOME: join(tmpdir(), 'torture-compile-cache'),
      TMPDIR: join(folder, 'tmp'),
      TELEGRAM_BOT_TOKEN: world.token,
      TELEGRAM_CHAT_ID: place.chat.id,
      TELEGRAM_MESSAGES_PER_MINUTE: '0',
      TELEGRAM_PART_SIZE: String(PART_SIZE_BYTES),
      TELEGRAM_BACKUP_HOME: catalog.home,
      BACKUP_AGE_RECIPIENTS: recipient,
      BACKUP_AGE_IDENTITY_FILE: keyFile,
      // One signer for all machines of this world.
      BACKUP_SIGNING_KEY_FILE: join(folder, 'signing-key.pem'),
      ...(place.replica ? { TELEGRAM_REPLICA_CHAT_ID: place.replica.id } : {}),
    }),
    close: async () => {
      await place.close()
      for (const catalog of catalogs) await catalog.discard()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return world
}

type Place = Pick<World, 'apiRoot' | 'emulator' | 'chat' | 'replica'> & {
  token: string
  anotherBot(): string
  close(): Promise<void>
}

async function emulatedPlace(
  folder: string,
  chance: Chance,
  { plain = false, twoChats = 0 }: { plain?: boolean; twoChats?: number },
): Promise<Place> {
  const emulator = await startEmulator({ dataDir: join(folder, 'telegram') })
  const bot = emulator.createBot()
  const type = plain
    ? 'channel'
    : chance.weighted([
        ['channel', 3],
        ['supergroup', 1],
      ] as const)
  const chatOf = (title: string): { id: string; view: ChatView } => {
    const { id } = emulator.createChat({ type, title, administrators: [{ bot }] })
    return { id: String(id), view: emulatedView(emulator, id) }
  }
  return {
    apiRoot: emulator.url,
    emulator,
    token: bot.token,
    chat: chatOf('Vault'),
    replica: !plain && chance.happens(twoChats) ? chatOf('Replica') : undefined,
    anotherBot: () => {
      const other = emulator.createBot()
      for (const { id } of emulator.inspect.chats()) emulator.asHuman.promote(id, other)
      return other.token
    },
    close: () => emulator.close(),
  }
}

async function foreignPlace({ apiRoot, token, chatId }: ForeignServer): Promise<Place> {
  const response = await fetch(`${apiRoot}/bot${token}/sendMessage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ chat_id: chatId, text: 'Torture begins' }),
  })
  const { result } = (await response.json()) as { result?: { message_id: number } }
  if (!result) throw new Error('The chat of --chat does not take a message; TELEGRAM_BOT_TOKEN names the bot')
  return {
    apiRoot,
    emulator: undefined,
    token,
    chat: { id: chatId, view: probedView(apiRoot, token, chatId, result.message_id) },
    replica: undefined,
    anotherBot: () => {
      throw new Error('Nobody makes a bot on this server')
    },
    close: async () => {},
  }
}

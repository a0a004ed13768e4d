import { type Database, learnFileId, listMessages } from '@telegram-backup/database'
import { describeError } from '@telegram-backup/errors'
import {
  type CurrentDocument,
  type DocumentPlace,
  type FetchedFile,
  followMovedChat,
  readDocument,
  type TelegramClient,
  type VaultLedger,
} from 'telegram-deployment-bot'
import { type FetchPlan, type PartPlace, type PlannedManifest, placeOf } from '#fetch/fetch-plan.ts'
import { noteGoneMessage } from '#fetch/gone-message.ts'
import { createCatalogVault } from '#ledger/catalog-vault.ts'

/** The means to look for a document in places other than its file id. */
export interface PlaceSearch {
  client: TelegramClient
  /** Opened only to forward a message, since the intent is recorded first. */
  catalog: () => Promise<Database>
  /** Called with a text for each document that was taken from another place. */
  note: (text: string) => void
  signal: AbortSignal
}

/** A part or the manifest, and the messages that hold it. */
interface PlacedDocument extends PlannedManifest {
  backupId: string
  kind: 'part' | 'manifest'
  /** 0 for the manifest. */
  partNumber: number
}

/**
 * The plan, with other places for each document. A document is read by its file id if this bot has one; else
 * its message is forwarded and read, the copy deleted, and the new file id recorded; else the same in the
 * other chat. Messages are forwarded only when their part is about to be needed. A message that is gone or
 * changed is marked in the catalog, so that reconcile can repair it.
 */
export function withOtherPlaces(plan: FetchPlan, search: PlaceSearch): FetchPlan {
  const { backupId, manifest } = plan
  const places = new PlacesOfBackup(plan.chatId, search)
  return {
    ...plan,
    parts: plan.parts.map(part => ({
      ...part,
      ...places.of({ ...part, backupId, kind: 'part', partNumber: part.number }),
    })),
    manifest: manifest && {
      ...manifest,
      ...places.of({ ...manifest, backupId, kind: 'manifest', partNumber: 0 }),
    },
  }
}

/** After so many dead file ids, messages are read first and file ids tried last. */
const DEAD_FILE_IDS = 2

/** Resumed with the result of the place before. */
type Attempts = AsyncGenerator<DocumentPlace, undefined, FetchedFile | undefined>

/** The places of one backup's documents, and what earlier tries have shown. */
class PlacesOfBackup {
  readonly #chatId: string | null
  readonly #search: PlaceSearch
  /** The current id of each chat; asked once. */
  readonly #currentIds = new Map<string, Promise<string>>()
  /** The number of dead file ids of this bot whose messages exist. */
  #deadFileIds = 0

  constructor(chatId: string | null, search: PlaceSearch) {
    this.#chatId = chatId
    this.#search = search
  }

  of(document: PlacedDocument): Pick<PlannedManifest, 'fileId' | 'elsewhere'> {
    // New file ids also serve the next reading of the same document.
    const known = { ...document, places: document.places.map(place => ({ ...place })) }
    let attempts: Attempts | undefined
    return {
      fileId: undefined,
      elsewhere: async before => {
        if (before === undefined || attempts === undefined) attempts = this.#attempts(known)
        return (await attempts.next(before)).value
      },
    }
  }

  /**
   * Every file id that may lead to the document, the best first. Each is tried briefly, since a dead file id
   * looks like one that is unavailable for a moment; at the end the last refused one is tried with patience.
   */
  async *#attempts(document: PlacedDocument): Attempts {
    const tried = new Set<string>()
    let refused: string | undefined
    let outage: unknown
    const attempt = async function* (fileId: string): Attempts {
      tried.add(fileId)
      const fetched = yield { fileId, isBrief: true }
      if (fetched?.state === 'refused') refused = fileId
    }
    const places: PartPlace[] = []
    for await (const place of this.#places(document)) {
      places.push(place)
      if (place.fileId !== null && this.#isTrusted(place)) yield* attempt(place.fileId)
      if (place.messageId === null) continue
      try {
        const current = await this.#read(document, place)
        if (current.outcome !== 'found') {
          await this.#noteLost(document, place, current.outcome === 'gone' ? 'missing' : 'damaged')
          continue
        }
        const isDead = refused !== undefined && refused === place.fileId && refused !== current.fileId
        if (isDead) this.#deadFileIds++
        await this.#learn(document, place, current)
        yield* attempt(current.fileId)
        // It was no better than the other.
        if (isDead && refused === current.fileId) this.#deadFileIds--
        if (refused !== current.fileId && hasOtherChat(document, place))
          await this.#noteLost(document, place, 'damaged')
      } catch (error) {
        if (describeError(error).code === 'CANCELLED') throw error
        // An outage is no damage, and must not look like it.
        outage ??= error
      }
    }
    for (const { fileId, botId } of places) {
      const mayBeOurs = botId === null || botId === this.#search.client.botId
      if (fileId !== null && mayBeOurs && !tried.has(fileId)) yield* attempt(fileId)
    }
    if (refused !== undefined) yield { fileId: refused, isBrief: false }
    if (outage !== undefined) throw outage
    return undefined
  }

  /** The known places. For a manifest the plan knows only the one in the backup's own chat. */
  async *#places({ backupId, kind, partNumber, places }: PlacedDocument): AsyncGenerator<PartPlace> {
    const name = kind === 'manifest' ? 'the manifest' : `part ${partNumber}`
    for (const place of places) {
      if (place.chatId !== this.#chatId) this.#noteCopy(name, place)
      yield place
    }
    if (kind === 'part') return
    const chats = new Set(places.map(({ chatId }) => chatId))
    for (const row of await listMessages(await this.#search.catalog(), backupId)) {
      if (row.kind !== 'manifest' || chats.has(row.chat_id)) continue
      const place = placeOf(row)
      this.#noteCopy(name, place)
      yield place
    }
  }

  #noteCopy(name: string, { chatId }: Pick<PartPlace, 'chatId'>): void {
    this.#search.note(`${name} is taken from the copy in chat ${chatId}`)
  }

  /** A file id of another or an unknown bot may be useless. */
  #isTrusted({ botId }: PartPlace): boolean {
    return botId === this.#search.client.botId && this.#deadFileIds < DEAD_FILE_IDS
  }

  async #read({ size, sha256 }: PlacedDocument, { chatId, messageId }: PartPlace): Promise<CurrentDocument> {
    const { client, catalog, signal } = this.#search
    const vault = createCatalogVault(await catalog())
    return await readDocument(client, vault, {
      chatId,
      messageId: messageId as number,
      movedTo: await this.#movedTo(chatId, vault),
      expected: { size, sha256 },
      signal,
    })
  }

  /** The new id of a chat that has moved; else undefined. */
  async #movedTo(chatId: string, vault: VaultLedger): Promise<string | undefined> {
    const { client, signal } = this.#search
    const asked = this.#currentIds.get(chatId) ?? followMovedChat(client, vault, chatId, { signal })
    this.#currentIds.set(chatId, asked)
    const current = await asked
    return current === chatId ? undefined : current
  }

  /** Records a file id of this bot, in the catalog and for the next reading of the document. */
  async #learn(
    { backupId, kind, partNumber }: PlacedDocument,
    place: PartPlace,
    { fileId, fileUniqueId }: { fileId: string; fileUniqueId: string },
  ): Promise<void> {
    const { client, catalog } = this.#search
    const { botId } = client
    const partKey = { backupId, chatId: place.chatId, kind, partNumber }
    await learnFileId(await catalog(), { partKey, botId, fileId, fileUniqueId })
    Object.assign(place, { fileId, botId })
  }

  /** A failure to record it does not stop the fetch: reconcile may work on the same backup. */
  async #noteLost(
    { backupId, kind, partNumber }: PlacedDocument,
    { chatId, messageId }: PartPlace,
    state: 'missing' | 'damaged',
  ): Promise<void> {
    const gone = { backupId, chatId, kind, partNumber, messageId: messageId ?? undefined, state }
    try {
      await noteGoneMessage(await this.#search.catalog(), gone)
    } catch (error) {
      const { message } = describeError(error)
      this.#search.note(`message ${messageId} is ${state}, which the catalog could not record: ${message}`)
    }
  }
}

/** Bytes can also be damaged on the way: a row is marked only if another chat can repair the message. */
function hasOtherChat({ places }: PlacedDocument, { chatId }: PartPlace): boolean {
  return places.some(place => place.chatId !== chatId)
}

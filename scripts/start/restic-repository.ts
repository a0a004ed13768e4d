import { createHash, randomBytes } from 'node:crypto'
import { keysOfPassword, newKeys, SCRYPT, SEAL_BYTES, type SealKeys, seal } from '#start/restic-seal.ts'

/** A file as restic stores it. */
export interface StoredFile {
  /** Such as `data/` and the SHA-256 of the bytes. */
  key: string
  bytes: Buffer
}

/** What a repository stores and deletes with one command. */
export interface RepositoryChange {
  put: StoredFile[]
  /** Keys, to be deleted once all of `put` is there. */
  remove: string[]
}

/** A file of the folder that is backed up. */
export interface FolderFile {
  name: string
  bytes: Buffer
}

interface Blob {
  id: string
  type: 'data' | 'tree'
  length: number
}

interface Snapshot {
  key: string
  /** The blobs that it needs. */
  blobs: ReadonlySet<string>
}

/** An irreducible polynomial from restic's design document: it cuts files, and these are not cut. */
const CHUNKER = '25b468838dcb75'
/** Of an entry in the header of a pack: type, length, SHA-256. */
const ENTRY_BYTES = 1 + 4 + 32

/**
 * Writes a repository of restic, version 1: one pack for each blob. It does what `init`, `backup` and
 * `forget --prune` do with a folder of files, where restic is not installed.
 */
export class ResticRepository {
  readonly #keys: SealKeys = newKeys()
  readonly #folder: string
  /** Packs by the id of their blob. */
  readonly #packs = new Map<string, { pack: string; blob: Blob }>()
  #indexes: string[] = []
  readonly #snapshots: Snapshot[] = []

  /** @param folder the name of the folder that is backed up, below `/` */
  constructor(folder: string) {
    this.#folder = folder
  }

  init(password: string): RepositoryChange {
    const salt = randomBytes(64)
    const { encrypt, mac } = this.#keys
    const master = {
      mac: { k: mac.k.toString('base64'), r: mac.r.toString('base64') },
      encrypt: encrypt.toString('base64'),
    }
    const key = {
      ...{ created: new Date().toISOString(), username: USER, hostname: HOST, kdf: 'scrypt', ...SCRYPT },
      salt: salt.toString('base64'),
      data: seal(keysOfPassword(password, salt), json(master)).toString('base64'),
    }
    const config = { version: 1, id: randomBytes(32).toString('hex'), chunker_polynomial: CHUNKER }
    return {
      put: [named('keys', json(key)), { key: 'config', bytes: seal(this.#keys, json(config)) }],
      remove: [],
    }
  }

  backup(files: readonly FolderFile[], time: Date): RepositoryChange {
    const before = new Set(this.#packs.keys())
    const put: StoredFile[] = []
    const used = new Set<string>()
    const store = (type: Blob['type'], bytes: Buffer): string => {
      const id = sha256(bytes)
      used.add(id)
      if (!this.#packs.has(id)) put.push(this.#pack({ id, type, length: bytes.length }, bytes))
      return id
    }
    const at = time.toISOString()
    const nodes = files.map(({ name, bytes }) => ({
      ...{ ...nodeOf(name, at), type: 'file', mode: 0o644, links: 1 },
      ...{ size: bytes.length, content: [store('data', bytes)] },
    }))
    const subtree = store('tree', tree(nodes))
    const root = { ...nodeOf(this.#folder, at), type: 'dir', mode: 2 ** 31 + 0o755, subtree }
    const snapshot = {
      ...{ time: at, tree: store('tree', tree([root])), paths: [`/${this.#folder}`] },
      ...{ hostname: HOST, username: USER, uid: ID, gid: ID, program_version: 'telegram-backup sample' },
    }
    const index = this.#index([...this.#packs.keys()].filter(id => !before.has(id)))
    this.#indexes.push(index.key)
    const file = named('snapshots', seal(this.#keys, json(snapshot)))
    this.#snapshots.push({ key: file.key, blobs: used })
    return { put: [...put, index, file], remove: [] }
  }

  /** Forgets all snapshots but the newest `keep`, and removes what no other one needs. */
  forget(keep: number): RepositoryChange {
    const forgotten = this.#snapshots.splice(0, this.#snapshots.length - keep)
    const needed = new Set(this.#snapshots.flatMap(({ blobs }) => [...blobs]))
    const dead = [...this.#packs].filter(([id]) => !needed.has(id))
    for (const [id] of dead) this.#packs.delete(id)
    const index = this.#index([...this.#packs.keys()])
    const indexes = this.#indexes
    this.#indexes = [index.key]
    const packs = dead.map(([, { pack }]) => `data/${pack}`)
    return { put: [index], remove: [...forgotten.map(({ key }) => key), ...indexes, ...packs] }
  }

  #pack(blob: Blob, bytes: Buffer): StoredFile {
    const sealed = seal(this.#keys, bytes)
    const entry = Buffer.alloc(ENTRY_BYTES)
    entry.writeUInt8(blob.type === 'data' ? 0 : 1, 0)
    entry.writeUInt32LE(sealed.length, 1)
    entry.write(blob.id, 5, 'hex')
    const header = seal(this.#keys, entry)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(header.length)
    const file = named('data', Buffer.concat([sealed, header, length]))
    this.#packs.set(blob.id, { pack: file.key.slice('data/'.length), blob })
    return file
  }

  #index(ids: readonly string[]): StoredFile {
    const packs = ids.flatMap(id => {
      const found = this.#packs.get(id)
      if (found === undefined) return []
      const { type, length } = found.blob
      return [{ id: found.pack, blobs: [{ id, type, offset: 0, length: length + SEAL_BYTES }] }]
    })
    return named('index', seal(this.#keys, json({ packs })))
  }
}

const HOST = 'laptop'
const USER = 'ann'
const ID = 1_000

function nodeOf(name: string, at: string) {
  const owner = { uid: ID, gid: ID, user: USER, group: USER, inode: 0 }
  return { name, mtime: at, atime: at, ctime: at, ...owner }
}

/** restic hashes the text of a tree with a line feed. */
function tree(nodes: readonly unknown[]): Buffer {
  return Buffer.concat([json({ nodes }), Buffer.from('\n')])
}

function named(folder: string, bytes: Buffer): StoredFile {
  return { key: `${folder}/${sha256(bytes)}`, bytes }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

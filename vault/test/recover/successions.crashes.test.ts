import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  loadOrCreateSigningKey,
  prepareSigningRotation,
  type SigningKey,
  signerFingerprint,
} from '@telegram-backup/archive'
import { type Machine, type Machines, openMachines } from '@telegram-backup/test-support/machines.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'

// A recovery card names the key of its day. The keys after it are believed because each was named by the one
// before.

let machines: Machines
/** The keys of one machine, oldest first, and a backup that each has signed. */
let keys: SigningKey[]
let names: string[]
let ids: string[]
let path: string

beforeEach(async () => {
  machines = await openMachines()
  path = join(machines.vault.folder, 'signing.pem')
  keys = [await loadOrCreateSigningKey(path)]
  const first = await machines.open({ signingKey: await loadOrCreateSigningKey(path) })
  ids = [(await first.send(1000)).id]
  for (let changes = 0; changes < 2; changes++) {
    const signingKey = await rotate(path)
    keys.push(signingKey)
    ids.push((await (await asMachine(first, signingKey)).send(1000)).id)
  }
  names = keys.map(signerFingerprint)
})

afterEach(() => machines.close())

async function rotate(file: string): Promise<SigningKey> {
  await (await prepareSigningRotation(file, { isChained: true, now: new Date() })).complete()
  return await loadOrCreateSigningKey(file)
}

function asMachine({ database }: Machine, signingKey: SigningKey): Promise<Machine> {
  return machines.open({ database, signingKey })
}

function indexId(): number {
  const { emulator, chatId } = machines.vault
  return emulator.inspect.messages(chatId).findLast(({ pinned }) => pinned)?.message_id ?? 0
}

test('the first card proves everything after two changes of the key, on an empty machine', async () => {
  const empty = await machines.open()
  const report = await empty.recover({ signers: [names[0] ?? ''] })
  expect(report).toMatchObject({ indexFailure: null, refused: [], otherSigners: [] })
  expect(report).toMatchObject({ signer: names[2], signerIsSuccessor: true, signerIsOwn: false })
  expect(report.owner).not.toBeNull()
  expect(report.backups.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
})

test('it does so from the manifests alone, when the index is lost', async () => {
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, indexId())
  const empty = await machines.open()
  const report = await empty.recover({ signers: [names[0] ?? ''] })
  expect(report).toMatchObject({ indexFailure: null, refused: [] })
  expect(report.backups.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  // Without a card, the keys that led to the first one that is found are as good as that.
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, indexId())
  const another = await machines.open()
  expect(await another.recover()).toMatchObject({ indexFailure: null, otherSigners: [] })
})

test.for([
  [
    'names itself in the place of the last key',
    (own: SigningKey) => [...chain(2).slice(0, 1), ...chain(2, own).slice(-1)],
  ],
  ['shows the chain of the true key as its own', () => chain(2)],
  ['shows a statement that it has signed itself', (own: SigningKey) => chain(2, own).slice(-1)],
] as const)('a stranger with the token who %s is not believed', async ([, forge]) => {
  const own = await loadOrCreateSigningKey(join(machines.vault.folder, 'stranger.pem'))
  const stranger = await machines.open({ signingKey: { ...own, successions: forge(own) } })
  await stranger.recover()
  await stranger.send(1000)
  const before = indexId()
  const empty = await machines.open()
  const report = await empty.recover({ signers: [names[0] ?? ''] })
  expect(report.owner).toBeNull()
  expect(report.indexFailure).toContain(signerFingerprint(own))
  expect(report.backups.map(({ id }) => id).toSorted()).toEqual(ids.toSorted())
  expect(indexId()).toBe(before)
})

/** The statements that lead to a key; with `own`, its last one names that key and is signed by it. */
function chain(key: number, own?: SigningKey): string[] {
  const lines = [...(keys[key]?.successions ?? [])]
  if (own === undefined) return lines
  const [time, from] = (lines.at(-1) ?? '').split(' ')
  const to = Buffer.from(own.publicKey).toString('base64')
  return [...lines.slice(0, -1), `${time} ${from} ${to} ${'A'.repeat(86)}==`]
}

test('a chain that was cut proves from where it begins, and nothing before', async () => {
  const [first, second] = names
  const successions = keys[2]?.successions?.slice(1) ?? []
  const old = await machines.open()
  await old.recover({ signers: [first ?? ''] })
  await (await asMachine(old, { ...(keys[2] as SigningKey), successions })).send(1000)
  const empty = await machines.open()
  const refused = await empty.recover({ signers: [first ?? ''] })
  expect(refused.owner).toBeNull()
  expect(refused.indexFailure).toContain(`is signed by ${names[2]}`)
  expect((await empty.recover({ signers: [second ?? ''] })).owner).not.toBeNull()
})

test('two keys that one key has named are told, and the chat is left until a person decides', async () => {
  const [first = '', , third = ''] = names
  // Whoever has the second key can name another third one.
  const stolen = join(machines.vault.folder, 'stolen.pem')
  await copyFile(path, stolen)
  const own = await rotate(path)
  const thief = await rotate(stolen)
  const old = await machines.open({ signingKey: own })
  await old.recover({ signers: [first] })
  const { id } = await old.send(1000)
  const other = await machines.open({ signingKey: thief })
  await other.recover({ signers: [first] })
  await other.send(1000)
  const empty = await machines.open()
  const report = await empty.recover({ signers: [first] })
  expect(report.owner).toBeNull()
  expect(report.indexFailure).toContain(`the key ${third} has named several keys`)
  expect(report.indexFailure).toContain(signerFingerprint(own))
  expect(report.indexFailure).toContain(signerFingerprint(thief))
  // Both cards: the thief's index was read before the fork showed.
  const both = await (await machines.open()).recover({ signers: [signerFingerprint(own), first] })
  expect(both.owner).toBeNull()
  expect(both.indexFailure).toContain('has named several keys')
  // The true key alone: the thief's index is not believed, and not replaced unseen.
  const decided = await (await machines.open()).recover({ signers: [signerFingerprint(own)] })
  expect(decided.owner).toBeNull()
  expect(decided.indexFailure).toContain(`is signed by ${signerFingerprint(thief)}`)
  machines.vault.emulator.asHuman.deleteMessage(machines.vault.chatId, indexId())
  const clean = await machines.open()
  const taken = await clean.recover({ signers: [signerFingerprint(own), first] })
  expect(taken.backups.map(backup => backup.id)).toEqual(expect.arrayContaining([id, ...ids]))
})

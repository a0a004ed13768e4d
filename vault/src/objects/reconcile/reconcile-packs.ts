import {
  abandonPack,
  abandonUpload,
  acquireLease,
  findPacks,
  type Lease,
  type OpenSend,
  openSends,
  type Pack,
  unfinishedPacks,
  unfinishedUploads,
} from '@telegram-backup/database'
import { nameOfPack } from '#objects/messages/pack-messages.ts'
import { adoptPack, lookForPacks } from '#objects/reconcile/look-for-packs.ts'
import { reportedPack } from '#session/report.ts'
import { assertMayGoOn, reportPending, type VaultSession } from '#session/session.ts'

/** Packs that this process has failed to send, and the lease of its writer. */
export interface LeftPacks {
  lease: Lease
  packIds: readonly string[]
}

/**
 * R9: packs whose process died, and those that this process could not send to the end. One whose message is
 * there is adopted whole, as if its answer had come; one whose message was looked for long enough is given
 * up. Of a proven pack that is there twice, the later message is erased. Uploads of processes that died are
 * given up: their packs are garbage. The report says what could not be done now. Throws when the catalog
 * fails or the signal fires.
 */
export async function reconcilePacks(session: VaultSession, left?: LeftPacks): Promise<void> {
  const { database } = session
  const leases = new Map<string, Lease>()
  try {
    const packs = await takePacks(session, leases, left)
    const calls = await callsToLookFor(session, packs)
    await lookForPacks(session, calls, async found => {
      const pack = packs.get(found.open.packId ?? '')
      const lease = pack && (leases.get(pack.writer) ?? left?.lease)
      return lease !== undefined && (await adoptPack(session, found, lease))
    })
    await giveUp(session, packs, of => leases.get(of.writer) ?? left?.lease)
    for (const { id, writer } of await unfinishedUploads(database)) {
      // A pack of the same writer may be looked for again, under its lease.
      const lease = leases.get(writer)
      await abandonUpload(database, { uploadId: id, lease }).catch((error: unknown) =>
        reportPending(session, {}, error),
      )
    }
  } finally {
    for (const lease of leases.values()) await lease.release()
  }
}

/** The unproven packs that no living process works on, now under leases of this one. */
async function takePacks(
  session: VaultSession,
  leases: Map<string, Lease>,
  left: LeftPacks | undefined,
): Promise<Map<string, Pack>> {
  const { database, report } = session
  const packs = new Map<string, Pack>()
  for (const pack of await unfinishedPacks(database)) {
    const { writer } = pack
    const lease =
      leases.get(writer) ?? (await acquireLease(database, { subject: writer, purpose: 'reconcile' }))
    if (lease === null) {
      report.kept.push({ pack_id: pack.id, reason: 'A process that may be alive works on it' })
      continue
    }
    leases.set(writer, lease)
    packs.set(pack.id, pack)
  }
  for (const pack of await findPacks(database, left?.packIds ?? [])) {
    if (pack.state === 'intended' && pack.writer === left?.lease.subject) packs.set(pack.id, pack)
  }
  return packs
}

/**
 * The calls of these packs, and those of proven packs in chats that have them: what they made is there twice.
 */
async function callsToLookFor(
  { database }: VaultSession,
  packs: ReadonlyMap<string, Pack>,
): Promise<OpenSend[]> {
  const calls = (await openSends(database, { backupId: null })).filter(({ packId }) => packId !== null)
  const known = await findPacks(
    database,
    calls.map(({ packId }) => packId ?? ''),
  )
  const byId = new Map(known.map(pack => [pack.id, pack]))
  return calls.filter(({ packId, chatId }) => {
    if (packs.has(packId ?? '')) return true
    const pack = byId.get(packId ?? '')
    const there = pack?.messages.find(message => message.chat_id === chatId)
    return there !== undefined && there.state !== 'intended'
  })
}

async function giveUp(
  session: VaultSession,
  packs: ReadonlyMap<string, Pack>,
  leaseOf: (pack: Pack) => Lease | undefined,
): Promise<void> {
  const { database, report } = session
  const open = await openSends(database, { backupId: null })
  for (const pack of await findPacks(database, [...packs.keys()])) {
    const lease = leaseOf(pack)
    if (pack.state !== 'intended' || lease === undefined) continue
    const [call] = open.filter(({ packId }) => packId === pack.id)
    if (call !== undefined) {
      const reason = `${nameOfPack(pack)} was not found; it may still appear`
      report.looked_for_again.push({ pack_id: pack.id, chat_id: call.chatId, reason })
      continue
    }
    try {
      assertMayGoOn(session, lease)
      if (await abandonPack(database, { packId: pack.id, lease })) {
        report.packs.push({ ...reportedPack(pack), outcome: 'given up' })
      }
    } catch (error) {
      reportPending(session, { pack_id: pack.id }, error)
    }
  }
}

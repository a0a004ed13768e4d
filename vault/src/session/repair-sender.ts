import { closeSend, confirmPart, intendPart, markPart } from '@telegram-backup/database'
import { type MessageLedger, MessageSender } from 'telegram-deployment-bot'
import type { HeldBackup, VaultSession } from '#session/session.ts'

/**
 * Sends messages of a backup under its lease, in the steps of any send: intent, send, proof, confirmation,
 * and a search for the message when its answer is lost.
 */
export function repairSender(session: VaultSession, held: HeldBackup, chatId: string): MessageSender {
  return new MessageSender({
    client: session.client,
    ledger: repairLedger(session, held),
    chatId,
    backupId: held.backupId,
    onWait: wait => session.onWait?.(wait),
  })
}

function repairLedger({ database, vault }: VaultSession, { lease }: HeldBackup): MessageLedger {
  const leaseToken = lease.token
  return {
    vault,
    holdsLease: () => lease.isHeld(),
    leaseLost: lease.signal,
    intendMessage: message => intendPart(database, { ...message, leaseToken }),
    confirmMessage: proof => confirmPart(database, { ...proof, leaseToken }),
    sendRefused: sendId => closeSend(database, sendId),
    messageErased: key => markPart(database, { ...key, state: 'erased', leaseToken }),
  }
}

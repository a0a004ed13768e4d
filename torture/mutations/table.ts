import type { Mutation } from '#torture/mutations/mutation.ts'
import { PACK_MUTATIONS } from '#torture/mutations/packs.ts'

const SERVICES = 'telegram-service/src/services'
const VAULT = 'vault/src'
const SENDS = 'send a file,send standard,reconcile'
const ERASES = 'send a file,erase'

/** The protocol done wrong, one rule at a time. */
export const MUTATIONS: readonly Mutation[] = [
  ...PACK_MUTATIONS,
  {
    name: 'act before intent',
    wrong: 'S5: a message is sent, and written down afterwards',
    only: SENDS,
    edits: [
      {
        file: `${SERVICES}/document-sender.ts`,
        find: `      const sendId = (await message.intend())?.sendId
      const made =
        (await this.#sendDocument(message, { sendId, unanswered, signal })) ??
        (await this.#findLostMessage(message, { unanswered, signal }))`,
        replace: `      const early = await this.#sendDocument(message, { sendId: undefined, unanswered, signal })
      const sendId = (await message.intend())?.sendId
      const made = early && { ...early, sendId }`,
      },
    ],
  },
  {
    name: 'a lost answer is a failed send',
    wrong: 'S5: after a lost answer the open send is closed, and the message sent again',
    only: SENDS,
    edits: [
      {
        file: `${SERVICES}/document-sender.ts`,
        find: '      unanswered.add(sendId)\n',
        replace: '      await this.#records?.sendRefused(sendId)\n      unanswered.add(sendId)\n',
      },
    ],
  },
  {
    name: 'no look for what a dead run has sent',
    wrong: 'R2: reconcile goes by the rows alone',
    only: SENDS,
    edits: [
      {
        file: `${VAULT}/session/look-for-messages.ts`,
        find: '  if (open.length === 0) return\n',
        replace: '  if (open.length >= 0) return\n',
      },
    ],
  },
  {
    name: 'one look is enough',
    wrong: 'L4: a send that was not found is closed at once, not after a quarter of an hour',
    only: SENDS,
    edits: [
      {
        file: 'database/src/chats/open-sends.ts',
        find: "interval '1 minute'",
        replace: "interval '0 minutes'",
      },
    ],
  },
  {
    name: 'looked at before it is there',
    wrong: 'L4: ids that nobody has used yet are remembered as looked at',
    only: SENDS,
    edits: [
      {
        file: `${SERVICES}/lost-messages.ts`,
        find: 'await vault.looked(id, { upTo: lookedUpTo, hasMore })',
        replace: 'await vault.looked(id, { upTo: lookedUpTo + 8, hasMore })',
      },
    ],
  },
  {
    name: 'copies without a row',
    wrong: 'L2: a forwarded copy is not written down before the forward',
    only: 'reconcile',
    edits: [
      {
        file: `${SERVICES}/seen-messages.ts`,
        find: '    const { sendId, ...opened } = await begin()\n',
        replace: '    const { sendId, ...opened } = await begin()\n    await vault.closeSend(sendId)\n',
      },
    ],
  },
  {
    name: 'adopted by its backup alone',
    wrong: 'L3: neither part number nor SHA-256 of a found message is compared',
    only: SENDS,
    edits: [
      {
        file: `${SERVICES}/lost-messages.ts`,
        find: `    parsed.sha256 === open.sha256 &&
    (document.sizeBytes === undefined || document.sizeBytes === open.sizeBytes)`,
        replace: '    document !== undefined',
      },
      {
        file: `${SERVICES}/lost-messages.ts`,
        find: ' && parsed.partNumber === (open.partNumber ?? 0)',
        replace: '',
      },
      {
        file: `${SERVICES}/message-proof.ts`,
        find: 'if (sha256 === null || size === undefined) {',
        replace: 'if (sha256 !== undefined) {',
      },
    ],
  },
  {
    name: 'the manifest without its copy in the catalog',
    wrong: 'S7: the sealed manifest and the sums are not written down before the manifest is sent',
    only: SENDS,
    edits: [
      {
        file: `${SERVICES}/send-run.ts`,
        find: '    await ledger?.sealBackup(describeSealed(record, manifest))\n',
        replace: '',
      },
    ],
  },
  {
    name: 'failed, and its messages stay',
    wrong: 'R3: a dead send is marked as failed without its messages being erased',
    only: SENDS,
    edits: [
      {
        file: `${VAULT}/reconcile/interrupted-sends.ts`,
        find: '  if (!resumable) await eraseRemains(session, held)\n',
        replace: '',
      },
    ],
  },
  {
    name: 'the row before the message',
    wrong: 'E3: a message is written down as erased before it is',
    only: ERASES,
    edits: [
      {
        file: `${VAULT}/erase/erase-messages.ts`,
        find: '    const erasure = await eraseMessage(client, {\n',
        replace:
          "    await markPart(database, { ...key, state: 'erased', leaseToken })\n    const erasure = await eraseMessage(client, {\n",
      },
    ],
  },
  {
    name: 'an edition that nobody announced',
    wrong: 'S10: the next edition of the index is not written down before the edit',
    only: 'send a file,erase,reconcile',
    edits: [
      {
        file: `${SERVICES}/chat-index.ts`,
        find: '    await vault.intendIndexEdition(chatId, next)\n',
        replace: '',
      },
    ],
  },
  {
    name: 'every lease is dead',
    wrong: 'leases: a living run is taken for a dead one, and its writes are not refused',
    only: 'send a file,reconcile',
    together: 0.9,
    edits: [
      {
        file: 'database/src/leases/holder.ts',
        find: '  if (!answers(holder.pid)) return true\n',
        replace: '  if (holder.pid > 0) return true\n',
      },
      {
        file: 'database/src/leases/lease-rows.ts',
        find: '  if (lease?.token === leaseToken) return\n',
        replace: '  if (lease?.token !== undefined || leaseToken !== undefined) return\n',
      },
    ],
  },
  {
    name: 'an attempt that begins from nothing',
    wrong: 'jobs: what a dead process sent for a job is not reconciled before the next attempt',
    only: 'serve',
    edits: [
      {
        file: 'engine/src/job-handlers/backup-job.ts',
        find: 'job.backup_id === null ? null : await reconcileOne(tools, job.backup_id, { signal })',
        replace: 'job.backup_id === null ? null : null',
      },
    ],
  },
  {
    name: 'a death is a failure',
    wrong: 'jobs: a job whose process died has failed',
    only: 'serve',
    edits: [
      {
        file: 'engine/src/jobs/retry-rules.ts',
        find: "return mayBeBegunAgain(job) && triesOf(job, 'INTERRUPTED')",
        replace: "return !mayBeBegunAgain(job) && triesOf(job, 'INTERRUPTED')",
      },
    ],
  },
]

import { count, formatTime } from '@telegram-backup/engine/units/human-units.ts'
import { ExitCode } from '@telegram-backup/errors'
import { type CommonOptions, describeCommand, type RegisterCommand } from '#commands/command.ts'
import { collected } from '#commands/repeatable-option.ts'

interface VerifyOptions extends CommonOptions {
  signer?: string[]
}

/** `evidence verify FILE`: on any machine, without a catalog, a chat, a key or settings. */
export const registerVerifyEvidence: RegisterCommand = (group, run) => {
  const command = group
    .command('verify')
    .option(
      '--signer <fingerprint>',
      'the key that must have signed, or have named the keys after it (SHA256:…; may be repeated)',
      collected,
    )
  describeCommand(command, {
    description:
      'check an exported file, or one decrypted document from the chat: every byte, every signature, and that no record is missing. Needs no catalog, no chat, no key and no settings. Without --signer anybody may have signed. A changed file ends with exit code 5',
    argument: ['<file>', 'a file of evidence export --out'],
    examples: [
      'telegram-backup evidence verify evidence.json --signer SHA256:uC1…=',
      'telegram-backup evidence verify evidence.json --json',
    ],
  }).action((path: string, options: VerifyOptions) =>
    run(
      async ({ output, note }) => {
        const { verifyEvidence } = await import('@telegram-backup/engine/operations/verify-evidence.ts')
        const { signer: trusted = [] } = options
        const checked = await verifyEvidence(path, trusted)
        const { records, signers, isSelection, exportedAt = null } = checked
        if (trusted.length === 0) {
          note(
            `warning: no --signer was given. The file is whole, but anybody can make such a file and sign it. Compare ${signers.join(', ')} with the fingerprint on the recovery card.`,
          )
        }
        if (checked.untrustedExporter !== undefined) {
          note(
            `warning: the file was exported by a machine with another key, ${checked.untrustedExporter}. The records are yours, and none between the first and the last one is missing; whether others were left out at the ends, only a trusted key can tell.`,
          )
        }
        const answer = {
          ...{ success: true, records: records.length, signers, is_trusted: trusted.length > 0 },
          ...{ is_selection: isSelection, exported_at: exportedAt },
          evidence: records.map(({ record, sha256, signer }) => ({ sha256, signer, ...record })),
        }
        output.answer(answer, () =>
          [
            ...records.map(({ record }) => {
              const { number, at, source, kind } = record
              const what =
                kind === 'drill' ? record.outcome : `review of record ${record.of.number} by ${record.name}`
              return `record ${number}  ${formatTime(new Date(at))}  ${source.name ?? source.project}  ${what}`
            }),
            `${count(records.length, 'record')}: ${trusted.length > 0 ? 'whole, unchanged, and signed by a trusted key' : 'whole and unchanged since they were signed'}.`,
            ...(isSelection && exportedAt !== null
              ? [
                  'They were chosen one by one or by project: other records of the chain are not in this file.',
                ]
              : []),
          ].join('\n'),
        )
        return ExitCode.DONE
      },
      options,
      { settings: false },
    ),
  )
}

import type { ExportRequest } from '@telegram-backup/engine/operations/export-evidence.ts'
import { count } from '@telegram-backup/engine/units/human-units.ts'
import { shellWord } from '@telegram-backup/engine/units/shell-word.ts'
import { BackupError, ExitCode } from '@telegram-backup/errors'
import { type CommandContext, withCatalog } from '#commands/command.ts'

/** Writes the records, the pages, or both; neither takes the place of a file. */
export async function exportTo(
  context: CommandContext,
  { out, html }: { out: string | undefined; html: string | undefined },
  request: ExportRequest,
): Promise<ExitCode> {
  const { evidenceToPrint, exportEvidence } = await import(
    '@telegram-backup/engine/operations/export-evidence.ts'
  )
  const { evidencePage } = await import('@telegram-backup/engine/proof/evidence-page.ts')
  const { config, output } = context
  await withCatalog(context, async database => {
    const { text, records, keys } = await exportEvidence({ config, database }, request)
    if (records.length === 0) {
      throw new BackupError('There is no evidence to export', {
        code: 'NOT_FOUND',
        hint: 'telegram-backup evidence list shows what there is; each drill leaves a record.',
      })
    }
    const page = html === undefined ? undefined : evidencePage(await evidenceToPrint(database, request))
    if (out !== undefined) await writeNew(out, text)
    if (html !== undefined && page !== undefined) await writeNew(html, page)
    output.answer(
      { success: true, records: records.length, out: out ?? null, html: html ?? null, signers: keys },
      () =>
        [
          `Exported ${count(records.length, 'record')} of evidence.`,
          ...(out === undefined
            ? []
            : [
                `${out}: check it anywhere with`,
                `  telegram-backup evidence verify ${shellWord(out)} ${keys.map(key => `--signer ${key}`).join(' ')}`,
              ]),
          ...(html === undefined ? [] : [`${html}: open it in a browser, and print it or save it as PDF`]),
        ].join('\n'),
    )
  })
  return ExitCode.DONE
}

async function writeNew(path: string, text: string): Promise<void> {
  const { createFile } = await import('@telegram-backup/engine/durable-files.ts')
  if (await createFile(path, text)) return
  throw new BackupError(`${path} exists already`, {
    code: 'USAGE',
    hint: 'Give the name of a new file; an export replaces none.',
  })
}

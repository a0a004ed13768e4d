import type { MemberFetchOptions } from '@telegram-backup/engine/restore/fetch-member.ts'
import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import type { Output } from '#commands/output.ts'

/**
 * Prints the members of a directory backup: an array with `--json`; with `isRaw` their names alone, each byte as it is and a
 * zero byte after it; else a line each, its name as `ls -b` writes it.
 */
export async function listMembers(
  output: Output,
  from: MemberFetchOptions,
  { isRaw }: { isRaw: boolean },
): Promise<void> {
  const { MemberFetch } = await import('@telegram-backup/engine/restore/fetch-member.ts')
  const members = new MemberFetch(from).members()
  if (isRaw) {
    const { writeToStream } = await import('@telegram-backup/engine/restore/output-file.ts')
    await writeToStream(ended(members), process.stdout)
    return
  }
  const { base64Of, escapeName } = await import('@telegram-backup/archive')
  const listed = await Array.fromAsync(members)
  output.answer(
    listed.map(({ path, size, kind }) => ({ path, ...base64Of(path), size, kind })),
    () =>
      listed
        .map(
          ({ path, size, kind }) =>
            `${(kind === 'file' ? formatBytes(size) : kind).padStart(12)}  ${escapeName(path)}`,
        )
        .join('\n'),
  )
}

async function* ended(members: AsyncIterable<{ path: string }>): AsyncGenerator<Buffer> {
  const { memberPathBytes } = await import('@telegram-backup/archive')
  for await (const { path } of members) yield Buffer.concat([memberPathBytes(path), Buffer.from([0])])
}

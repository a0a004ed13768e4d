import { formatBytes } from '@telegram-backup/engine/units/human-units.ts'
import { base64Of, escapeName, memberPathBytes } from '@telegram-backup/engine/units/names.ts'
import type { CommandContext } from '#commands/command.ts'

interface Member {
  path: string
  size: number
  kind: string
}

/**
 * Prints the members of a directory backup: as an array with `--json`; with `isRaw` only the raw names, each
 * ended by a zero byte; else one line each, with the name as `ls -b` prints it.
 */
export async function tellMembers(
  { host, output }: CommandContext,
  members: AsyncIterable<Member>,
  { isRaw }: { isRaw: boolean },
): Promise<void> {
  if (isRaw) {
    const { writeToStream } = await import('@telegram-backup/engine/restore/output-file.ts')
    await writeToStream(ended(members), host.stdout)
    return
  }
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

async function* ended(members: AsyncIterable<Member>): AsyncGenerator<Buffer> {
  for await (const { path } of members) yield Buffer.concat([memberPathBytes(path), Buffer.from([0])])
}

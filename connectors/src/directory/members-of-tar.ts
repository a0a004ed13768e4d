import { type Member, memberPathOf } from '@telegram-backup/archive'
import type { TarMember } from '#directory/unpack/member-rules.ts'
import { TarInspector } from '#directory/unpack/tar-inspector.ts'

/** The members of a tar file, in order, for backups whose manifest does not list them. */
export async function* membersOfTar(bytes: AsyncIterable<Buffer>): AsyncGenerator<Member> {
  let found: Member[] = []
  const inspector = new TarInspector({
    check: member => {
      found.push(asMember(member))
      return true
    },
  })
  for await (const chunk of bytes) {
    inspector.inspect(chunk)
    yield* found
    found = []
  }
  inspector.finish()
}

const KIND_OF_TYPE: Readonly<Record<string, Member['kind']>> = {
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '5': 'directory',
  '7': 'file',
  S: 'file',
}

export function kindOf({ name, type }: Pick<TarMember, 'name' | 'type'>): Member['kind'] {
  return name.endsWith('/') ? 'directory' : (KIND_OF_TYPE[type] ?? 'other')
}

/** A member of a tar file as the index writes it. */
export function asMember({ name, linkName, type, offset, fileBytes, attributes }: TarMember): Member {
  const kind = kindOf({ name, type })
  const link =
    kind === 'hardlink'
      ? { link: pathOf(linkName) }
      : kind === 'symlink'
        ? { link: memberPathOf(Buffer.from(linkName, 'latin1')) }
        : {}
  return {
    path: pathOf(name),
    offset,
    size: kind === 'file' ? fileBytes : 0,
    kind,
    attributes: { ...attributes(), ...link },
  }
}

/** A name of a tar file (latin1, one character for each byte) as the index writes it. */
export function pathOf(name: string): string {
  return plainPath(memberPathOf(Buffer.from(name, 'latin1')))
}

/** A path without `./` before it and `/` after it; the directory itself is `.`. */
export function plainPath(path: string): string {
  return path.replace(/(^|\/)(\.?\/+)+/g, '$1').replace(/(\/|\/\.)$/, '') || '.'
}

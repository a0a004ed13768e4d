/** What the last line of a caption says. */
export type CaptionFacts =
  | { readonly kind: 'part' | 'manifest' | 'tombstone'; readonly backupId: string; readonly key: string }
  | { readonly kind: 'pack' | 'pack tombstone'; readonly key: string }
  | { readonly kind: 'index'; readonly catalog: string }
  | { readonly kind: 'evidence'; readonly key: string }

const MESSAGE =
  /^telegram-backup 1 (tombstone )?backup=([0-9a-f-]{36}) (?:part=(\d+)(?: last)?|(manifest))(?: |$)/
const PACK = /^telegram-backup 1 (tombstone )?pack=([0-9a-f-]{36})(?: |$)/
const INDEX = /^telegram-backup 1 index catalog=(\S+) edition=\S+$/
const EVIDENCE = /^telegram-backup 1 evidence=([0-9a-f-]{36}) record=[0-9a-f]{64} /

/** Reads a caption by the published form alone; undefined when it is not one of the program's. */
export function readCaption(caption: string | undefined): CaptionFacts | undefined {
  const line = caption?.split('\n').at(-1) ?? ''
  const catalog = INDEX.exec(line)?.[1]
  if (catalog !== undefined) return { kind: 'index', catalog }
  const evidence = EVIDENCE.exec(line)?.[1]
  if (evidence !== undefined) return { kind: 'evidence', key: `evidence ${evidence}` }
  const [, isErased, pack] = PACK.exec(line) ?? []
  if (pack !== undefined) return { kind: isErased ? 'pack tombstone' : 'pack', key: `pack ${pack}` }
  const [, tombstone, backupId, part, manifest] = MESSAGE.exec(line) ?? []
  if (backupId === undefined) return undefined
  const kind = tombstone ? 'tombstone' : manifest ? 'manifest' : 'part'
  return { kind, backupId, key: `${backupId} ${part ?? 'manifest'}` }
}

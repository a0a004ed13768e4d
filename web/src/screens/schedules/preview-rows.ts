import type { RetentionPreview } from '#api/generated/types.gen.ts'

const FATES = ['goesToo', 'goes', 'waits', 'stays'] as const

/** What happens to a backup under other rules. */
export interface PreviewRow {
  id: string
  reasons: readonly string[]
  /** goesToo: the rules of now keep it. waits: it goes when a person agrees. */
  fate: (typeof FATES)[number]
  /** It stays, and would go by the rules of now. */
  isSaved: boolean
}

/** Those that go first, and of them first those that the rules of now keep. */
export function previewRows(now: RetentionPreview, then: RetentionPreview): PreviewRow[] {
  const goesNow = new Set([...now.erases, ...now.keeps.filter(isWaiting)].map(({ id }) => id))
  const rows = [
    ...then.erases.map(
      ({ id, reasons }): PreviewRow => ({
        ...{ id, reasons, isSaved: false },
        fate: goesNow.has(id) ? 'goes' : 'goesToo',
      }),
    ),
    ...then.keeps.map(
      (kept): PreviewRow => ({
        ...{ id: kept.id, reasons: kept.reasons, fate: isWaiting(kept) ? 'waits' : 'stays' },
        isSaved: !isWaiting(kept) && goesNow.has(kept.id),
      }),
    ),
  ]
  return rows.sort((a, b) => FATES.indexOf(a.fate) - FATES.indexOf(b.fate))
}

function isWaiting({ needs_confirmation }: RetentionPreview['keeps'][number]): boolean {
  return needs_confirmation
}

import { Button, Group, NativeSelect, TextInput } from '@mantine/core'
import { useEffect, useState } from 'react'
import type { AuditSearch } from '#screens/audit/audit-search.ts'
import { useWords } from '#words/language.tsx'

type Filters = Omit<AuditSearch, 'cursor'>

/** Which acts; they are asked for when the person applies them. */
export function AuditFilters({ filters, apply }: { filters: Filters; apply: (filters: Filters) => void }) {
  const { audit } = useWords()
  const { filters: words } = audit
  const [draft, setDraft] = useState(filters)
  const applied = JSON.stringify(filters)
  // What the address says counts, also after "back"; the fields stay, and with them the focus.
  useEffect(() => setDraft(JSON.parse(applied) as Filters), [applied])
  const change = (part: Filters): Filters => {
    const next = { ...draft, ...part }
    setDraft(next)
    return next
  }
  const text = (name: 'actor' | 'object' | 'project', hint?: string) => (
    <TextInput
      label={words[name]}
      placeholder={hint}
      value={draft[name] ?? ''}
      maxLength={200}
      autoComplete="off"
      onChange={({ currentTarget: { value } }) => change({ [name]: value === '' ? undefined : value })}
    />
  )
  const day = (name: 'from' | 'to') => (
    <TextInput
      type="date"
      label={words[name]}
      value={draft[name] ?? ''}
      onChange={({ currentTarget: { value } }) => change({ [name]: value === '' ? undefined : value })}
    />
  )
  return (
    <search aria-label={words.label}>
      <form
        onSubmit={event => {
          event.preventDefault()
          apply(draft)
        }}
      >
        <Group align="flex-end" gap="sm">
          <NativeSelect
            label={words.act}
            value={draft.act ?? ''}
            onChange={({ currentTarget: { value } }) =>
              apply(change({ act: value === '' ? undefined : value }))
            }
            data={[
              { value: '', label: words.all },
              ...Object.entries(audit.acts).map(([value, label]) => ({ value, label })),
            ]}
          />
          {text('actor', words.actorHint)}
          {text('object', words.objectHint)}
          {text('project')}
          {day('from')}
          {day('to')}
          <Button type="submit" variant="default">
            {words.apply}
          </Button>
          {Object.values(filters).some(Boolean) ? (
            <Button variant="subtle" onClick={() => apply({})}>
              {words.clear}
            </Button>
          ) : null}
        </Group>
      </form>
    </search>
  )
}

import { NativeSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listTargetsOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { visibleText } from '#format/plain-text.tsx'
import { useWords } from '#words/language.tsx'

/**
 * On which server a drill makes its temporary database: that of a target which the project may use. Nothing
 * where there is no choice.
 */
export function DrillPlace({
  project,
  value,
  onChange,
}: {
  project: string | null
  /** The name of a target; empty: as the source says. */
  value: string
  onChange: (target: string) => void
}) {
  const { start: words } = useWords().proof
  const { data } = useQuery(listTargetsOptions())
  const fitting = (data?.items ?? []).filter(
    target => target.kind === 'postgres' && (target.project_id === null || target.project_id === project),
  )
  if (fitting.length === 0) return null
  return (
    <NativeSelect
      label={words.on}
      description={words.onHint}
      value={value}
      onChange={event => onChange(event.currentTarget.value)}
      data={[
        { value: '', label: words.ownPlace },
        ...fitting.map(({ name }) => ({ value: name, label: visibleText(name) })),
      ]}
    />
  )
}

import { Autocomplete, Button, Group, NativeSelect, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { listSourcesOptions } from '#api/generated/@tanstack/react-query.gen.ts'
import { BACKUP_STATES, BACKUP_TYPES, type BackupSearch, isFiltered } from '#screens/backups/backup-search.ts'
import { oneOf } from '#shell/search.ts'
import { useDraft } from '#shell/use-draft.ts'
import { useWhoAmI } from '#shell/whoami.ts'
import { useWords } from '#words/language.tsx'

/** Writes the filters into the URL. A text counts when it is left, or with Enter. */
export function BackupFilters({
  search,
  onChange,
}: {
  search: BackupSearch
  onChange: (search: BackupSearch) => void
}) {
  const { backups } = useWords()
  const projects = useProjects()
  const sources = useSourceNames(search.project)
  const set = (change: Partial<BackupSearch>): void => onChange({ ...search, ...change, cursor: undefined })
  return (
    <Group role="search" aria-label={backups.filters} align="flex-end" gap="sm">
      <NameFilter
        label={backups.project}
        placeholder={backups.anyProject}
        known={projects}
        name={search.project ?? ''}
        onChange={project => set({ project })}
      />
      <NameFilter
        label={backups.source}
        placeholder={backups.anySource}
        known={sources}
        name={search.source ?? ''}
        onChange={source => set({ source })}
      />
      <NativeSelect
        label={backups.type}
        value={search.type ?? ''}
        onChange={event => set({ type: oneOf(BACKUP_TYPES, event.currentTarget.value) })}
        data={[
          { value: '', label: backups.any },
          ...BACKUP_TYPES.map(value => ({ value, label: backups.types[value] })),
        ]}
      />
      <NativeSelect
        label={backups.state}
        value={search.state ?? ''}
        onChange={event => set({ state: oneOf(BACKUP_STATES, event.currentTarget.value) })}
        data={[
          { value: '', label: backups.any },
          ...BACKUP_STATES.map(value => ({ value, label: backups.states[value] })),
        ]}
      />
      <TextFilter label={backups.tag} text={search.tag} onChange={tag => set({ tag })} />
      <TextFilter type="date" label={backups.from} text={search.from} onChange={from => set({ from })} />
      <TextFilter type="date" label={backups.to} text={search.to} onChange={to => set({ to })} />
      {isFiltered(search) ? (
        <Button variant="default" onClick={() => onChange({ calendar: search.calendar })}>
          {backups.clear}
        </Button>
      ) : null}
    </Group>
  )
}

/** The projects of the sources, and those that the person is bound to. */
export function useProjects(): string[] {
  const { projects } = useWhoAmI()
  const { data } = useQuery(listSourcesOptions())
  const named = data?.items.map(({ project_id }) => project_id).filter(project => project !== null) ?? []
  return [...new Set([...(projects ?? []), ...named])].toSorted()
}

/** The names of the sources of a project, or of all that the person sees. */
function useSourceNames(project: string | undefined): string[] {
  const { data } = useQuery(listSourcesOptions())
  const named = (data?.items ?? []).filter(
    ({ project_id }) => project === undefined || project_id === project,
  )
  return [...new Set(named.map(({ name }) => name))].toSorted()
}

function NameFilter({
  label,
  placeholder,
  known,
  name,
  onChange,
}: {
  label: string
  placeholder: string
  known: readonly string[]
  name: string
  onChange: (name: string | undefined) => void
}) {
  const [text, setText] = useDraft(name)
  const apply = (value: string): void => {
    if (value.trim() !== name) onChange(value.trim() || undefined)
  }
  return (
    <Autocomplete
      label={label}
      placeholder={placeholder}
      data={[...known]}
      value={text}
      onChange={setText}
      onOptionSubmit={apply}
      onBlur={() => apply(text)}
      onKeyDown={({ key, currentTarget }) => {
        // With an option chosen by the arrows, Enter takes that one.
        if (key === 'Enter' && !currentTarget.hasAttribute('aria-activedescendant')) apply(text)
      }}
      w={180}
    />
  )
}

/** A day that is not written to its end counts for nothing yet. */
function TextFilter({
  label,
  type,
  text: applied = '',
  onChange,
}: {
  label: string
  type?: 'date'
  text: string | undefined
  onChange: (text: string | undefined) => void
}) {
  const [text, setText] = useDraft(applied)
  const apply = (): void => {
    if (text.trim() !== applied) onChange(text.trim() || undefined)
  }
  return (
    <TextInput
      type={type ?? 'text'}
      label={label}
      value={text}
      max={type === 'date' ? '9999-12-31' : undefined}
      onChange={event => setText(event.currentTarget.value)}
      onBlur={apply}
      onKeyDown={({ key }) => {
        if (key === 'Enter') apply()
      }}
      w={type === 'date' ? 150 : 130}
    />
  )
}
